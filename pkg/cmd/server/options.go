// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/validation"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	cliflag "k8s.io/component-base/cli/flag"
	basecompatibility "k8s.io/component-base/compatibility"
	logsapi "k8s.io/component-base/logs/api/v1"
	_ "k8s.io/component-base/logs/json/register" // for --logging-format=json

	"github.com/rancher-sandbox/engine-apiserver/pkg/apiserver"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/aggregated"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/state"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/usage"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/streaming"
)

const (
	defaultPort = 6445
	maxPort     = 65535
	// watchTermination is how long open watches may delay the end of the server.
	watchTermination = time.Second
)

// options holds the values of serve's flags.
type options struct {
	dockerHost          string
	namespace           string
	resyncPeriod        time.Duration
	readyRequiresEngine bool
	access              string
	showEnvironment     string
	maxSessions         int
	stateDir            string
	kubeconfig          string

	aggregated *aggregated.Options
	serving    *genericoptions.SecureServingOptions
	serverRun  *genericoptions.ServerRunOptions
	audit      *genericoptions.AuditOptions
	features   *genericoptions.FeatureOptions
	logging    *logsapi.LoggingConfiguration

	standaloneFlags, aggregatedFlags *pflag.FlagSet
}

func newOptions() *options {
	o := &options{
		namespace:    docker.DefaultNamespace,
		resyncPeriod: docker.DefaultResyncPeriod,
		maxSessions:  streaming.DefaultLimit,
		aggregated:   aggregated.NewOptions(),
		serving:      genericoptions.NewSecureServingOptions(),
		serverRun:    newServerRunOptions(),
		audit:        genericoptions.NewAuditOptions(),
		features:     genericoptions.NewFeatureOptions(),
		logging:      logsapi.NewLoggingConfiguration(),
	}
	o.serving.BindAddress = net.IPv4(127, 0, 0, 1)
	o.serving.BindPort = defaultPort
	o.features.EnablePriorityAndFairness = false
	return o
}

// newServerRunOptions returns options with the feature gates of the Kubernetes libraries. The version of this program
// does not matter to them.
func newServerRunOptions() *genericoptions.ServerRunOptions {
	const component = basecompatibility.DefaultKubeComponent
	registry := basecompatibility.NewComponentGlobalsRegistry()
	utilruntime.Must(registry.Register(component, apiserver.EffectiveVersion(), utilfeature.DefaultMutableFeatureGate))
	options := genericoptions.NewServerRunOptionsForComponent(component, registry)
	options.RequestTimeout = apiserver.RequestTimeout
	options.ShutdownWatchTerminationGracePeriod = watchTermination
	return options
}

func (o *options) flags() cliflag.NamedFlagSets {
	var sets cliflag.NamedFlagSets

	engine := sets.FlagSet("Engine")
	engine.StringVar(&o.dockerHost, "docker-host", o.dockerHost,
		"Address of the Docker Engine. Default: $DOCKER_HOST, else that of the current docker context, else the platform's socket or pipe.")
	engine.StringVar(&o.namespace, "namespace", o.namespace,
		"Kubernetes namespace in which the engine's containers, images, volumes and networks are shown.")
	engine.DurationVar(&o.resyncPeriod, "resync-period", o.resyncPeriod,
		"How often everything is compared with Docker, to find changes for which Docker sends no event.")
	engine.BoolVar(&o.readyRequiresEngine, "ready-requires-engine", o.readyRequiresEngine,
		"Fail /readyz while the engine does not answer, and until something has been read from it.")

	engine.StringVar(&o.access, "engine-access", o.access,
		"How much of the engine the server may use. view: show it. operate: also start, stop, pause, restart, signal and delete. full: everything that the server can do. Default: full for a standalone server, operate behind a control plane.")

	engine.StringVar(&o.showEnvironment, "show-environment", o.showEnvironment,
		"Show the values of environment variables to everyone who may see containers: true or false. Default: true for a standalone server, false behind a control plane.")
	engine.Lookup("show-environment").NoOptDefVal = "true"

	engine.IntVar(&o.maxSessions, "max-sessions", o.maxSessions,
		"How many sessions run at a time: exec, attach, port-forward, copies, and logs that are followed.")

	sets.FlagSet("State").StringVar(&o.stateDir, "state-dir", o.stateDir,
		"Directory of the certificates. A standalone server also keeps its token and its kubeconfig there. Default: $XDG_STATE_HOME/engine-apiserver, else ~/.local/state/engine-apiserver.")

	o.standaloneFlags = sets.FlagSet("Standalone")
	o.standaloneFlags.StringVar(&o.kubeconfig, "write-kubeconfig", o.kubeconfig,
		"File to write the kubeconfig to. Default: kubeconfig in --state-dir.")

	o.aggregatedFlags = sets.FlagSet("Aggregated")
	o.aggregated.AddFlags(o.aggregatedFlags)

	// Leave out flags without an effect. The server makes its certificates in the state directory, listens by itself,
	// and has one version. Flags that need a control plane are among the Aggregated flags.
	addFlags(sets.FlagSet("Secure serving"), o.serving.AddFlags, "cert-dir", "permit-address-sharing", "permit-port-sharing")
	addFlags(sets.FlagSet("Features"), o.features.AddFlags, "enable-priority-and-fairness")
	addFlags(sets.FlagSet("Generic"), o.serverRun.AddUniversalFlags, "advertise-address", "emulated-version",
		"emulation-forward-compatible", "min-compatibility-version", "runtime-config-emulation-forward-compatible",
		"storage-initialization-timeout")
	o.audit.AddFlags(sets.FlagSet("Auditing"))
	logsapi.AddFlags(o.logging, sets.FlagSet("Logging"))
	for _, set := range sets.FlagSets {
		set.VisitAll(func(flag *pflag.Flag) {
			if text, found := usages[flag.Name]; found {
				flag.Usage = text
			}
		})
	}
	return sets
}

// usages replaces the help of generic flags if that help would be wrong for this server.
var usages = map[string]string{
	"bind-address": "IP address to listen on. Use 127.0.0.1 for programs on this machine only, and 0.0.0.0 or :: for all addresses of the machine.",
	"secure-port":  "Port to serve HTTPS on. 0 chooses a free port, and the start line shows it.",
	"tls-cert-file": "File with the serving certificate, followed by its intermediate certificates. Needs --tls-private-key-file. " +
		"Default: the server makes a certificate in --state-dir, and renews it.",
	"external-hostname": "Host name, and port if needed, that the server gives to clients as its own address.",
}

// addFlags adds the flags that add defines, except those in without.
func addFlags(to *pflag.FlagSet, add func(*pflag.FlagSet), without ...string) {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	add(all)
	all.VisitAll(func(flag *pflag.Flag) {
		if !slices.Contains(without, flag.Name) {
			to.AddFlag(flag)
		}
	})
}

// complete sets the feature gates, and the defaults that depend on the user.
func (o *options) complete() error {
	if err := o.serverRun.ComponentGlobalsRegistry.Set(); err != nil {
		return fmt.Errorf("--feature-gates: %s", usage.Plain(err))
	}
	o.aggregated.Complete()
	if o.stateDir != "" {
		return nil
	}
	dir, err := state.DefaultDir()
	if err != nil {
		return fmt.Errorf("%w: choose one with --state-dir", err)
	}
	o.stateDir = dir
	return nil
}

// validate returns everything that is wrong with the flags as one error, on one line.
func (o *options) validate() error {
	var errs []error
	for _, reason := range validation.ValidateNamespaceName(o.namespace, false) {
		errs = append(errs, fmt.Errorf("--namespace %q: %s", o.namespace, reason))
	}
	if o.resyncPeriod <= 0 {
		errs = append(errs, fmt.Errorf("--resync-period %s: must be greater than zero", o.resyncPeriod))
	}
	if o.access != "" {
		errs = append(errs, checkAccess(o.access))
	}
	if _, err := strconv.ParseBool(o.showEnvironment); o.showEnvironment != "" && err != nil {
		errs = append(errs, fmt.Errorf("--show-environment %q: must be true or false", o.showEnvironment))
	}
	if o.maxSessions <= 0 {
		errs = append(errs, fmt.Errorf("--max-sessions %d: must be greater than zero", o.maxSessions))
	}
	if cert := o.serving.ServerCert.CertKey; (cert.CertFile == "") != (cert.KeyFile == "") {
		errs = append(errs, errors.New("--tls-cert-file and --tls-private-key-file go together"))
	}
	if port := o.serving.BindPort; port < 0 || port > maxPort {
		errs = append(errs, fmt.Errorf("--secure-port %d: must be between 0, for a free one, and %d", port, maxPort))
	} else {
		errs = append(errs, o.serving.Validate()...)
	}
	if _, err := cliflag.TLSVersion(o.serving.MinTLSVersion); err != nil {
		errs = append(errs, fmt.Errorf("--tls-min-version %q: must be one of %s", o.serving.MinTLSVersion, strings.Join(cliflag.TLSPossibleVersions(), ", ")))
	}
	if _, err := cliflag.TLSCipherSuites(o.serving.CipherSuites); err != nil {
		errs = append(errs, fmt.Errorf("--tls-cipher-suites: %w", err))
	}
	errs = append(errs, o.misplaced()...)
	errs = append(errs, o.aggregated.Validate()...)
	errs = append(errs, o.serverRun.Validate()...)
	errs = append(errs, o.audit.Validate()...)
	errs = append(errs, o.features.Validate()...)
	for _, err := range logsapi.Validate(o.logging, utilfeature.DefaultFeatureGate, nil) {
		errs = append(errs, err)
	}
	return usage.Join(errs...)
}

// checkAccess returns an error if no access has this name.
func checkAccess(name string) error {
	if slices.Contains(connection.Accesses, connection.Access(name)) {
		return nil
	}
	return fmt.Errorf("--engine-access %q: must be view, operate or full", name)
}

// engineAccess returns how much of the engine the server may use.
func (o *options) engineAccess() connection.Access {
	switch {
	case o.access != "":
		return connection.Access(o.access)
	case o.aggregated.Enabled():
		return connection.Operate
	}
	return connection.Full
}

// showsEnvironment reports whether the values of environment variables are shown.
func (o *options) showsEnvironment() bool {
	if shown, err := strconv.ParseBool(o.showEnvironment); err == nil {
		return shown
	}
	return !o.aggregated.Enabled()
}

// misplaced returns an error for each given flag that has no meaning in the server's mode.
func (o *options) misplaced() (errs []error) {
	flags, reason := o.aggregatedFlags, "has no meaning without --aggregated or --kubeconfig: the server stands alone"
	if o.aggregated.Enabled() {
		flags, reason = o.standaloneFlags, "has no meaning behind a control plane: use the control plane's kubeconfig"
	}
	flags.VisitAll(func(flag *pflag.Flag) {
		switch {
		case !flag.Changed || flag.Name == aggregated.ModeFlag:
		case flag.Name == "kubeconfig" && flag.Value.String() == "":
			errs = append(errs, errors.New("--kubeconfig is empty: name a file, or leave the flag out for a server that stands alone"))
		default:
			errs = append(errs, fmt.Errorf("--%s %s", flag.Name, reason))
		}
	})
	return errs
}

// config returns the server's configuration, without serving, authentication and authorization.
func (o *options) config() (*apiserver.Config, error) {
	generic := apiserver.NewGenericConfig()
	if err := o.serverRun.ApplyTo(&generic.Config); err != nil {
		return nil, err
	}
	if err := o.audit.ApplyTo(&generic.Config); err != nil {
		return nil, fmt.Errorf("the --audit flags: %w", err)
	}
	config := &apiserver.Config{GenericConfig: generic}
	config.ExtraConfig.Engine.Host = o.dockerHost
	config.ExtraConfig.Engine.Namespace = o.namespace
	config.ExtraConfig.Engine.ResyncPeriod = o.resyncPeriod
	config.ExtraConfig.Engine.Access = o.engineAccess()
	config.ExtraConfig.Engine.ShowEnvironment = o.showsEnvironment()
	config.ExtraConfig.MaxSessions = o.maxSessions
	config.ExtraConfig.UseDockerConfig = !o.aggregated.Enabled() || o.aggregated.UseDockerConfig
	config.ExtraConfig.ReadyRequiresEngine = o.readyRequiresEngine
	config.ExtraConfig.AllowNamespaceDeletion = o.aggregated.AllowNamespaceDeletion
	return config, nil
}
