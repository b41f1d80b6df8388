// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package aggregated is what a server needs of the control plane that it serves behind: its users, what they may do, and
// that it is there.
package aggregated

import (
	"cmp"
	"context"
	"fmt"

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
	// ModeFlag asks for a server behind a control plane.
	ModeFlag = "aggregated"
	// DefaultServiceName is what the Service that leads to the server is called.
	DefaultServiceName = "engine-apiserver"
	// DefaultServiceNamespace is the namespace of that Service.
	DefaultServiceNamespace = "engine-apiserver"
)

// Options are what the flags of a server behind a control plane set.
type Options struct {
	// ServiceName and ServiceNamespace are those of the Service by which the control plane calls the server.
	ServiceName, ServiceNamespace string
	// UnregisterOnExit takes the APIService away when the server ends.
	UnregisterOnExit bool
	// AllowNamespaceDeletion lets the deletion of the Kubernetes Namespace delete what the engine holds.
	AllowNamespaceDeletion bool
	// PriorityAndFairness gives requests their turn by the flow schemas of the control plane.
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
		"Serve behind a control plane, which knows the users and their rights. Implied by --kubeconfig, --authentication-kubeconfig and "+
			"--authorization-kubeconfig; those not given are as the first one given or, without any, as in the pod that this is.")
	o.coreAPI.AddFlags(flags)
	o.authentication.AddFlags(flags)
	o.authorization.AddFlags(flags)
	flags.StringVar(&o.ServiceName, "service-name", o.ServiceName,
		"Name of the Service by which the control plane calls the server.")
	flags.StringVar(&o.ServiceNamespace, "service-namespace", o.ServiceNamespace,
		"Namespace of the Service by which the control plane calls the server.")
	flags.BoolVar(&o.UnregisterOnExit, "unregister-on-exit", o.UnregisterOnExit,
		"Take the APIService away when the server ends. One without a server makes discovery and namespace deletion fail in the whole cluster.")
	flags.BoolVar(&o.AllowNamespaceDeletion, "allow-namespace-deletion", o.AllowNamespaceDeletion,
		"Let the deletion of the Kubernetes namespace that shows the engine delete its containers, images and volumes.")
	flags.BoolVar(&o.PriorityAndFairness, "enable-priority-and-fairness", o.PriorityAndFairness,
		"Give requests their turn by the control plane's flow schemas. Else there is a maximum of requests in flight.")
}

// Enabled says whether the flags ask for a server behind a control plane.
func (o *Options) Enabled() bool { return o.requested || o.firstKubeconfig() != "" }

func (o *Options) firstKubeconfig() string {
	return cmp.Or(o.coreAPI.CoreAPIKubeconfigPath, o.authentication.RemoteKubeConfigFile, o.authorization.RemoteKubeConfigFile)
}

// Kubeconfig returns the file that says where the control plane is, nothing in a pod.
func (o *Options) Kubeconfig() string { return o.coreAPI.CoreAPIKubeconfigPath }

// Complete fills in the kubeconfigs that were not given.
func (o *Options) Complete() {
	first := o.firstKubeconfig()
	for _, file := range []*string{
		&o.coreAPI.CoreAPIKubeconfigPath, &o.authentication.RemoteKubeConfigFile, &o.authorization.RemoteKubeConfigFile,
	} {
		*file = cmp.Or(*file, first)
	}
}

// Validate says what is wrong with the flags.
func (o *Options) Validate() []error {
	var errs []error
	for _, reason := range validation.IsDNS1035Label(o.ServiceName) {
		errs = append(errs, fmt.Errorf("--service-name %q: %s", o.ServiceName, reason))
	}
	for _, reason := range apimachineryvalidation.ValidateNamespaceName(o.ServiceNamespace, false) {
		errs = append(errs, fmt.Errorf("--service-namespace %q: %s", o.ServiceNamespace, reason))
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

// Host returns the name by which the control plane calls the server.
func (o *Options) Host() string { return o.ServiceName + "." + o.ServiceNamespace + ".svc" }

// ApplyAuthentication has the server learn from the control plane who its users are. It asks the control plane once, and
// changes nothing if that fails. It returns the authorities of client certificates, as they are now.
func (o *Options) ApplyAuthentication(ctx context.Context, config *genericapiserver.RecommendedConfig) (dynamiccertificates.CAContentProvider, error) {
	info, serving := config.Authentication, genericapiserver.SecureServingInfo{}
	if err := o.authentication.ApplyTo(&info, &serving, nil); err != nil {
		return nil, err
	}
	if runner, ok := serving.ClientCA.(dynamiccertificates.ControllerRunner); ok {
		// A control plane need not have an authority of its users' certificates: then none of them is let in.
		if err := runner.RunOnce(ctx); err != nil {
			klog.FromContext(ctx).V(1).Info("Not all authorities of client certificates are there", "err", err)
		}
	}
	config.Authentication = info
	return serving.ClientCA, nil
}

// ApplyTo has the server learn from the control plane what users may do and, if it is told to prioritize, whose turn it
// is.
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
