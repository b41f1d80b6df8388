// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	apimachineryvalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	certutil "k8s.io/client-go/util/cert"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/aggregated"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/registration"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/state"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/usage"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// registerOptions holds the values of register's flags.
type registerOptions struct {
	kubeconfig, context string
	address             string
	access, policy      string
	caFile, stateDir    string
	timeout             time.Duration
	dryRun, delete      bool

	registration.Options
}

func newRegisterCommand() *cobra.Command {
	o := &registerOptions{
		address: net.JoinHostPort("localhost", strconv.Itoa(defaultPort)),
		access:  string(connection.Operate),
		policy:  string(registration.PolicyRestricted),
		timeout: time.Minute,
	}
	command := &cobra.Command{
		Use:   "register",
		Short: "Registers the server in a cluster",
		Long: "Registers a server that runs beside a cluster (serve --kubeconfig) as the APIService " + registration.APIServiceName + ".\n" +
			"It creates or corrects the objects that the cluster needs for this, and the server's rights in the cluster.\n" +
			"Then it waits until the cluster reaches the server.",
		Example: "  engine-apiserver register --kubeconfig admin.conf\n" +
			"  engine-apiserver register --kubeconfig admin.conf --address engine.example.net:6445 --server-user engine-apiserver\n" +
			"  engine-apiserver register --kubeconfig admin.conf --delete",
		Args:              usage.NoArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(command *cobra.Command, _ []string) error { return o.run(command) },
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "Kubeconfig of an administrator of the cluster. Default: $KUBECONFIG, else ~/.kube/config.")
	flags.StringVar(&o.context, "context", "", "Context of the kubeconfig. Default: the current one.")
	flags.StringVar(&o.address, "address", o.address, "Host and port at which the cluster reaches the server.")
	flags.StringVar(&o.User, "server-user", "", "User name of the server in the cluster. Default: the user of --kubeconfig.")
	flags.StringVar(&o.stateDir, "state-dir", "", "Directory of the server's certificates. Default: $XDG_STATE_HOME/engine-apiserver, else ~/.local/state/engine-apiserver.")
	flags.StringVar(&o.caFile, "ca-file", "", "File with the certificate authority of the server's --tls-cert-file. Default: the authority in --state-dir.")
	flags.StringVar(&o.Options.Namespace, "namespace", docker.DefaultNamespace, "Kubernetes namespace in which the server shows the engine.")
	flags.StringVar(&o.Service.Name, "service-name", aggregated.DefaultServiceName, "Name of the Service that leads to the server. Start the server with the same name.")
	flags.StringVar(&o.Service.Namespace, "service-namespace", aggregated.DefaultServiceNamespace, "Namespace of that Service.")
	flags.StringVar(&o.access, "engine-access", o.access, "The --engine-access of the server: view, operate or full. With full, register also installs the policies of --policy.")
	flags.StringVar(&o.policy, "policy", o.policy, "Policies for a server with --engine-access=full. restricted: nobody creates a container that is root on the engine's host, "+
		"such as a privileged one, or one with paths or devices of that host. none: no such policies; those of an earlier register are removed.")
	flags.DurationVar(&o.timeout, "timeout", o.timeout, "How long the cluster may take to reach the server.")
	flags.BoolVar(&o.dryRun, "dry-run", false, "Print the objects to apply, and change nothing in the cluster.")
	flags.BoolVar(&o.delete, "delete", false, "Remove what register has created.")
	return command
}

func (o *registerOptions) run(command *cobra.Command) error {
	if err := o.validate(command.Flags().Changed("policy")); err != nil {
		return err
	}
	ctx, out := command.Context(), command.OutOrStdout()
	if o.delete {
		cluster, err := registration.Load(o.kubeconfig, o.context)
		if err != nil {
			return err
		}
		return cluster.Unregister(ctx, o.Options, out)
	}
	if o.dryRun {
		if err := o.completeDry(ctx); err != nil {
			return err
		}
		return o.WriteYAML(out)
	}
	cluster, err := registration.Load(o.kubeconfig, o.context)
	if err != nil {
		return err
	}
	if err := cluster.Check(ctx); err != nil {
		return err
	}
	if o.User == "" {
		if o.User, err = cluster.User(ctx); err != nil {
			return err
		}
	}
	if err := o.readAuthority(); err != nil {
		return err
	}
	return cluster.Register(ctx, o.Options, o.timeout, out)
}

// completeDry asks the cluster only for the server's user, and only if no flag names it.
func (o *registerOptions) completeDry(ctx context.Context) error {
	if o.User == "" {
		cluster, err := registration.Load(o.kubeconfig, o.context)
		if err != nil {
			return fmt.Errorf("%w, or the server's user with --server-user", err)
		}
		if o.User, err = cluster.User(ctx); err != nil {
			user, found := cluster.UserOffline()
			if !found {
				return fmt.Errorf("%w: or name the server's user with --server-user", err)
			}
			o.User = user
		}
	}
	return o.readAuthority()
}

func (o *registerOptions) readAuthority() (err error) {
	if o.caFile == "" {
		if o.stateDir == "" {
			if o.stateDir, err = state.DefaultDir(); err != nil {
				return fmt.Errorf("%w: choose one with --state-dir", err)
			}
		}
		o.Authority, err = state.Authority(o.stateDir)
		return err
	}
	if o.Authority, err = os.ReadFile(o.caFile); err != nil {
		return fmt.Errorf("--ca-file: %w", err)
	}
	if _, err := certutil.ParseCertsPEM(o.Authority); err != nil {
		return fmt.Errorf("--ca-file %s has no PEM certificate: %w", o.caFile, err)
	}
	return nil
}

// validate returns everything that is wrong with the flags as one error, on one line. It also splits the address into
// host and port, and sets the policy. policyGiven says whether the user has chosen one.
func (o *registerOptions) validate(policyGiven bool) error {
	var errs []error
	for _, namespace := range []struct{ flag, value string }{{"namespace", o.Options.Namespace}, {"service-namespace", o.Service.Namespace}} {
		for _, reason := range apimachineryvalidation.ValidateNamespaceName(namespace.value, false) {
			errs = append(errs, fmt.Errorf("--%s %q: %s", namespace.flag, namespace.value, reason))
		}
	}
	for _, reason := range apimachineryvalidation.NameIsDNS1035Label(o.Service.Name, false) {
		errs = append(errs, fmt.Errorf("--service-name %q: %s", o.Service.Name, reason))
	}
	errs = append(errs, o.choosePolicy(policyGiven)...)
	if o.timeout <= 0 {
		errs = append(errs, fmt.Errorf("--timeout %s: must be greater than zero", o.timeout))
	}
	if err := o.splitAddress(); err != nil {
		errs = append(errs, fmt.Errorf("--address %q: %w", o.address, err))
	}
	if o.caFile != "" && o.stateDir != "" {
		errs = append(errs, errors.New("--ca-file and --state-dir both say where the certificate authority is: leave one out"))
	}
	if o.dryRun && o.delete {
		errs = append(errs, errors.New("--dry-run shows what would be applied, and --delete applies nothing: leave one out"))
	}
	return usage.Join(errs...)
}

// choosePolicy sets the policy of the registration.
func (o *registerOptions) choosePolicy(given bool) (errs []error) {
	if err := checkAccess(o.access); err != nil {
		errs = append(errs, err)
	}
	policy := registration.Policy(o.policy)
	if policy != registration.PolicyRestricted && policy != registration.PolicyNone {
		errs = append(errs, fmt.Errorf("--policy %q: must be restricted or none", o.policy))
	}
	switch {
	case connection.Access(o.access) == connection.Full:
		o.Policy = policy
	case given && len(errs) == 0:
		errs = append(errs, errors.New("--policy has no meaning without --engine-access=full"))
	}
	return errs
}

func (o *registerOptions) splitAddress() error {
	host, text, err := net.SplitHostPort(o.address)
	if err != nil {
		return errors.New("must be host:port, such as localhost:6445 or [2001:db8::1]:6445")
	}
	port, err := strconv.ParseInt(text, 10, 32)
	if err != nil || port < 1 || port > maxPort {
		return fmt.Errorf("the port must be between 1 and %d", maxPort)
	}
	ip := net.ParseIP(host)
	if ip != nil && ip.IsUnspecified() {
		return errors.New("is where a server listens, but a cluster cannot reach it there: name the address of its machine")
	}
	if ip == nil && len(validation.IsDNS1123Subdomain(host)) > 0 {
		return fmt.Errorf("%q is no host name", host)
	}
	o.Host, o.Service.Port = host, int32(port)
	return nil
}
