// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net"
	"net/url"
	"strconv"

	"github.com/spf13/pflag"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	genericapifilters "k8s.io/apiserver/pkg/endpoints/filters"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/util/notfoundhandler"
	"k8s.io/client-go/kubernetes"
	aggregator "k8s.io/kube-aggregator/pkg/apiserver"
	controlplane "k8s.io/kubernetes/pkg/controlplane/apiserver"
	controlplaneoptions "k8s.io/kubernetes/pkg/controlplane/apiserver/options"
	sample "k8s.io/kubernetes/pkg/controlplane/apiserver/samples/generic/server"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apiserver"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// engineOptions say whether an engine is served, and which one.
type engineOptions struct {
	serve                  bool
	engine                 docker.Options
	allowNamespaceDeletion bool
}

func (o *engineOptions) addFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.serve, "engine", o.serve, "Serve a container engine. If false, you can register a server of another process, and every Service leads to this machine.")
	flags.StringVar(&o.engine.Host, "docker-host", "", "Address of the Docker Engine. Default: as for the docker command.")
	flags.StringVar(&o.engine.Namespace, "namespace", docker.DefaultNamespace, "Kubernetes namespace that shows the engine.")
	flags.StringVar((*string)(&o.engine.Access), "engine-access", string(connection.Operate), "How much of the engine may be used: view, operate or full.")
	flags.BoolVar(&o.allowNamespaceDeletion, "allow-namespace-deletion", false, "When that namespace is deleted, also delete the engine's containers, images, volumes and networks.")
}

// newServer chains the servers. A request goes from the aggregator to the first server that knows its path:
//
//	aggregator → built-in kinds → container engine → custom resources → not found
func newServer(options controlplaneoptions.CompletedOptions, engine engineOptions) (*aggregator.APIAggregator, error) {
	config, err := sample.NewConfig(options)
	if err != nil {
		return nil, err
	}
	config.Aggregator.ExtraConfig.ServiceResolver = thisMachine{}
	completed, err := config.Complete()
	if err != nil {
		return nil, err
	}

	notFound := notfoundhandler.New(config.ControlPlane.Generic.Serializer, genericapifilters.NoMuxAndDiscoveryIncompleteKey)
	customResources, err := completed.APIExtensions.New(genericapiserver.NewEmptyDelegateWithCustomHandler(notFound))
	if err != nil {
		return nil, fmt.Errorf("making the server of custom resources: %w", err)
	}
	next, priorities := customResources.GenericAPIServer, controlplane.DefaultGenericAPIServicePriorities()
	if engine.serve {
		server, err := newEngineServer(config, engine, next)
		if err != nil {
			return nil, fmt.Errorf("making the server of the container engine: %w", err)
		}
		next = server.GenericAPIServer
		apiserver.ResolvePassthrough(&config.Aggregator.GenericConfig.Config, engine.engine.Namespace)
		// The aggregator forwards the requests of a group that has an APIService. It makes one for each group in this table.
		priorities[v1alpha1.SchemeGroupVersion] = controlplane.APIServicePriority{Group: 1000, Version: 100}
	}
	builtIn, err := newBuiltInServer(completed, next)
	if err != nil {
		return nil, fmt.Errorf("making the server of the built-in kinds: %w", err)
	}
	crds := customResources.Informers.Apiextensions().V1().CustomResourceDefinitions()
	crdsServed := completed.APIExtensions.GenericConfig.MergedResourceConfig.ResourceEnabled(
		apiextensionsv1.SchemeGroupVersion.WithResource("customresourcedefinitions"))
	return controlplane.CreateAggregatorServer(completed.Aggregator, builtIn.GenericAPIServer, crds, crdsServed, priorities)
}

// newEngineServer makes the server of the container engine. The control plane authenticates, authorizes, admits and audits
// requests for all servers of the chain.
func newEngineServer(config *sample.Config, engine engineOptions, next genericapiserver.DelegationTarget) (*apiserver.Server, error) {
	generic := apiserver.NewGenericConfig()
	generic.Config = *config.ControlPlane.Generic
	generic.ClientConfig = config.ControlPlane.Generic.LoopbackClientConfig
	// These belong to the built-in kinds. The engine's server makes its own.
	generic.PostStartHooks = map[string]genericapiserver.PostStartHookConfigEntry{}
	generic.RESTOptionsGetter = nil
	generic.OpenAPIConfig, generic.OpenAPIV3Config = nil, nil
	server := apiserver.Config{
		GenericConfig: generic,
		ExtraConfig: apiserver.ExtraConfig{
			Engine:                 engine.engine,
			AllowNamespaceDeletion: engine.allowNamespaceDeletion,
		},
	}
	return server.Complete().New(next)
}

func newBuiltInServer(config sample.CompletedConfig, next genericapiserver.DelegationTarget) (*controlplane.Server, error) {
	server, err := config.ControlPlane.New("embedded", next)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config.ControlPlane.Generic.LoopbackClientConfig)
	if err != nil {
		return nil, err
	}
	storage, err := config.ControlPlane.GenericStorageProviders(client.Discovery())
	if err != nil {
		return nil, err
	}
	return server, server.InstallAPIs(storage...)
}

// thisMachine resolves every Service to its port on this machine.
type thisMachine struct{}

// ResolveEndpoint implements aggregator.ServiceResolver.
func (thisMachine) ResolveEndpoint(_, _ string, port int32) (*url.URL, error) {
	return &url.URL{Scheme: "https", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port)))}, nil
}
