// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package aggregated connects a server to the control plane that it serves behind. The control plane authenticates the users
// and authorizes their requests. The server waits until the control plane can do both.
package aggregated

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"

	"github.com/spf13/pflag"
	apimachineryvalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/kubernetes"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/klog/v2"
)

const (
	// ModeFlag is the name of the flag that asks for a server behind a control plane.
	ModeFlag = "aggregated"
	// DefaultServiceName is the name of the Service that leads to the server.
	DefaultServiceName = "engine-apiserver"
	// DefaultServiceNamespace is the namespace of that Service.
	DefaultServiceNamespace = "engine-apiserver"
)

// Options are set by the flags of a server behind a control plane.
type Options struct {
	// ServiceName and ServiceNamespace name the Service by which the control plane reaches the server.
	ServiceName, ServiceNamespace string
	// PassthroughAddress is the address of the port without TLS for desktop programs. If it is empty, there is no such port.
	PassthroughAddress string
	// UnregisterOnExit deletes the APIService when the server stops.
	UnregisterOnExit bool
	// AllowNamespaceDeletion lets the deletion of the Kubernetes namespace delete what the engine holds.
	AllowNamespaceDeletion bool
	// UseDockerConfig lets all users pull, push and create containers with the registry credentials of the server's user.
	UseDockerConfig bool
	// PriorityAndFairness prioritizes requests by the flow schemas of the control plane.
	PriorityAndFairness bool

	requested      bool
	coreAPI        *genericoptions.CoreAPIOptions
	authentication *genericoptions.DelegatingAuthenticationOptions
	authorization  *genericoptions.DelegatingAuthorizationOptions
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	return &Options{
		ServiceName:         DefaultServiceName,
		ServiceNamespace:    DefaultServiceNamespace,
		PassthroughAddress:  "127.0.0.1:0",
		UnregisterOnExit:    true,
		PriorityAndFairness: true,
		coreAPI:             genericoptions.NewCoreAPIOptions(),
		authentication:      genericoptions.NewDelegatingAuthenticationOptions(),
		authorization:       genericoptions.NewDelegatingAuthorizationOptions(),
	}
}

// AddFlags adds the flags of the options.
func (o *Options) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.requested, ModeFlag, o.requested,
		"Serve behind a control plane, which authenticates and authorizes the users. Each of --kubeconfig, --authentication-kubeconfig and "+
			"--authorization-kubeconfig implies this flag. A kubeconfig that is not given defaults to the first one that is. Without any the server uses the service account of its pod.")
	o.coreAPI.AddFlags(flags)
	o.authentication.AddFlags(flags)
	o.authorization.AddFlags(flags)
	flags.StringVar(&o.ServiceName, "service-name", o.ServiceName,
		"Name of the Service by which the control plane reaches the server.")
	flags.StringVar(&o.ServiceNamespace, "service-namespace", o.ServiceNamespace,
		"Namespace of the Service by which the control plane reaches the server.")
	flags.StringVar(&o.PassthroughAddress, "passthrough-bind-address", o.PassthroughAddress,
		"Loopback address and port, or 0 for a free one, of a port without TLS. The server opens it only where a desktop program's control plane has the ConfigMap "+
			"rdd-system/rdd-controller-manager. It shows health, and the logs that the cluster lets system:anonymous get. Empty: no such port; desktop programs are told the HTTPS address.")
	flags.BoolVar(&o.UnregisterOnExit, "unregister-on-exit", o.UnregisterOnExit,
		"Delete the APIService when the server stops. An APIService without a server breaks discovery and namespace deletion in the whole cluster.")
	flags.BoolVar(&o.AllowNamespaceDeletion, "allow-namespace-deletion", o.AllowNamespaceDeletion,
		"When the Kubernetes namespace that shows the engine is deleted, also delete the engine's containers, images, volumes and networks.")
	flags.BoolVar(&o.UseDockerConfig, "use-docker-config", o.UseDockerConfig,
		"Use the registry credentials in the docker configuration of the server's user for the pulls, pushes and new containers of all users who may create them. They count where a request brings none. A standalone server always does so.")
	flags.BoolVar(&o.PriorityAndFairness, "enable-priority-and-fairness", o.PriorityAndFairness,
		"Prioritize requests by the control plane's flow schemas. Without it the server only limits the number of requests in flight.")
}

// Enabled reports whether the flags ask for a server behind a control plane.
func (o *Options) Enabled() bool { return o.requested || o.firstKubeconfig() != "" }

func (o *Options) firstKubeconfig() string {
	return cmp.Or(o.coreAPI.CoreAPIKubeconfigPath, o.authentication.RemoteKubeConfigFile, o.authorization.RemoteKubeConfigFile)
}

// Kubeconfig returns the path of the control plane's kubeconfig. It is empty if the server uses its pod's service account.
func (o *Options) Kubeconfig() string { return o.coreAPI.CoreAPIKubeconfigPath }

// Complete sets each kubeconfig that was not given to the first one that was.
func (o *Options) Complete() {
	first := o.firstKubeconfig()
	for _, file := range []*string{
		&o.coreAPI.CoreAPIKubeconfigPath, &o.authentication.RemoteKubeConfigFile, &o.authorization.RemoteKubeConfigFile,
	} {
		*file = cmp.Or(*file, first)
	}
}

// Validate returns what is wrong with the flags.
func (o *Options) Validate() []error {
	var errs []error
	for _, reason := range validation.IsDNS1035Label(o.ServiceName) {
		errs = append(errs, fmt.Errorf("--service-name %q: %s", o.ServiceName, reason))
	}
	for _, reason := range apimachineryvalidation.ValidateNamespaceName(o.ServiceNamespace, false) {
		errs = append(errs, fmt.Errorf("--service-namespace %q: %s", o.ServiceNamespace, reason))
	}
	if address, err := netip.ParseAddrPort(o.PassthroughAddress); o.PassthroughAddress != "" && (err != nil || !address.Addr().IsLoopback()) {
		errs = append(errs, fmt.Errorf("--passthrough-bind-address %q: must be a loopback address and a port, such as 127.0.0.1:0", o.PassthroughAddress))
	}
	for _, authority := range []struct{ flag, file string }{
		{"client-ca-file", o.authentication.ClientCert.ClientCA}, {"requestheader-client-ca-file", o.authentication.RequestHeader.ClientCAFile},
	} {
		if authority.file == "" {
			continue
		}
		if _, err := certutil.CertsFromFile(authority.file); err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", authority.flag, err))
		}
	}
	errs = append(errs, o.coreAPI.Validate()...)
	errs = append(errs, o.authentication.Validate()...)
	return append(errs, o.authorization.Validate()...)
}

// Host returns the host name by which the control plane reaches the server, and which the serving certificate must cover.
func (o *Options) Host() string { return o.ServiceName + "." + o.ServiceNamespace + ".svc" }

// ApplyAuthentication makes the server authenticate users by the control plane. It reads the control plane's settings once,
// and leaves config unchanged if that fails. It returns the provider of the authorities that sign client certificates.
func (o *Options) ApplyAuthentication(ctx context.Context, config *genericapiserver.RecommendedConfig) (dynamiccertificates.CAContentProvider, error) {
	info, serving := config.Authentication, genericapiserver.SecureServingInfo{}
	if err := o.authentication.ApplyTo(&info, &serving, nil); err != nil {
		return nil, err
	}
	if runner, ok := serving.ClientCA.(dynamiccertificates.ControllerRunner); ok {
		// A control plane may have no authority for client certificates. Users cannot authenticate by certificate then.
		if err := runner.RunOnce(ctx); err != nil {
			klog.FromContext(ctx).V(1).Info("Some authorities of client certificates are missing", "err", err)
		}
	}
	config.Authentication = info
	return serving.ClientCA, nil
}

// ApplyTo makes the server authorize requests by the control plane. With prioritize it also makes the server prioritize
// requests by the control plane's flow schemas.
func (o *Options) ApplyTo(config *genericapiserver.RecommendedConfig, features genericoptions.FeatureOptions, prioritize bool) error {
	if err := o.coreAPI.ApplyTo(config); err != nil {
		return err
	}
	if err := o.authorization.ApplyTo(&config.Authorization); err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config.ClientConfig)
	if err != nil {
		return err
	}
	features.EnablePriorityAndFairness = prioritize
	return features.ApplyTo(&config.Config, client, config.SharedInformerFactory)
}
