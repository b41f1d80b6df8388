// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Command controllers runs the controllers of kube-controller-manager that a control plane without nodes needs: those of
// namespaces, garbage collection, service accounts and aggregated roles. It builds much faster than kube-controller-manager.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/controller-manager/pkg/clientbuilder"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/clusterroleaggregation"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/namespace"
	"k8s.io/kubernetes/pkg/controller/serviceaccount"
)

const (
	// The defaults of kube-controller-manager, except for the number of workers.
	resyncPeriod       = 12 * time.Hour
	namespaceResync    = 5 * time.Minute
	garbageSyncPeriod  = 30 * time.Second
	restMapperPeriod   = 30 * time.Second
	workers            = 5
	queriesPerSecond   = 400
	burst              = 2000
	controllersAccount = "kube-controller-manager"
)

func main() {
	var kubeconfig string
	var ownCredentials bool
	command := &cobra.Command{
		Use:           "controllers",
		Short:         "The controllers that a control plane without nodes needs",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(command *cobra.Command, _ []string) error {
			return run(command.Context(), kubeconfig, ownCredentials)
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "Kubeconfig of the control plane.")
	command.Flags().BoolVar(&ownCredentials, "use-service-account-credentials", true, "Give each controller a service account of its own.")
	if err := command.ExecuteContext(genericapiserver.SetupSignalContext()); err != nil {
		fmt.Fprintln(os.Stderr, "controllers: error:", err)
		os.Exit(1)
	}
}

// controllers holds what all controllers share.
type controllers struct {
	clients   clientbuilder.ControllerClientBuilder
	informers informers.SharedInformerFactory
	metadata  metadatainformer.SharedInformerFactory
	mapper    *restmapper.DeferredDiscoveryRESTMapper
	started   chan struct{}
	running   sync.WaitGroup
}

// run runs the controllers until ctx ends.
func run(ctx context.Context, kubeconfig string, ownCredentials bool) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = queriesPerSecond, burst
	client, err := kubernetes.NewForConfig(rest.AddUserAgent(config, controllersAccount))
	if err != nil {
		return err
	}
	metadataClient, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	c := &controllers{
		clients:   clientbuilder.SimpleControllerClientBuilder{ClientConfig: config},
		informers: informers.NewSharedInformerFactory(client, resyncPeriod),
		metadata:  metadatainformer.NewSharedInformerFactory(metadataClient, resyncPeriod),
		mapper:    restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery())),
		started:   make(chan struct{}),
	}
	if ownCredentials {
		c.clients = clientbuilder.NewDynamicClientBuilder(rest.AnonymousClientConfig(config), client.CoreV1(), metav1.NamespaceSystem)
	}
	err = errors.Join(c.startNamespaces(ctx), c.startGarbageCollection(ctx), c.startServiceAccounts(ctx), c.startRoleAggregation(ctx))
	if err != nil {
		return err
	}
	c.informers.Start(ctx.Done())
	c.metadata.Start(ctx.Done())
	close(c.started)
	wait.UntilWithContext(ctx, func(context.Context) { c.mapper.Reset() }, restMapperPeriod)
	c.running.Wait()
	c.informers.Shutdown()
	c.metadata.Shutdown()
	return nil
}

// clientsOf returns the clients of the controller with this name.
func (c *controllers) clientsOf(name string) (kubernetes.Interface, metadata.Interface, error) {
	config, err := c.clients.Config(name)
	if err != nil {
		return nil, nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, nil, err
	}
	metadataClient, err := metadata.NewForConfig(config)
	return client, metadataClient, err
}

func (c *controllers) startNamespaces(ctx context.Context) error {
	client, metadataClient, err := c.clientsOf("namespace-controller")
	if err != nil {
		return err
	}
	controller := namespace.NewNamespaceController(ctx, client, metadataClient, client.Discovery().ServerPreferredNamespacedResources,
		c.informers.Core().V1().Namespaces(), namespaceResync, corev1.FinalizerKubernetes)
	c.running.Go(func() { controller.Run(ctx, workers) })
	return nil
}

func (c *controllers) startGarbageCollection(ctx context.Context) error {
	client, metadataClient, err := c.clientsOf("generic-garbage-collector")
	if err != nil {
		return err
	}
	collector, err := garbagecollector.NewGarbageCollector(ctx, client, metadataClient, c.mapper, garbagecollector.DefaultIgnoredResources(),
		informerfactory.NewInformerFactory(c.informers, c.metadata), c.started)
	if err != nil {
		return err
	}
	c.running.Go(func() { collector.Run(ctx, workers, garbageSyncPeriod) })
	c.running.Go(func() { collector.Sync(ctx, client.Discovery(), garbageSyncPeriod) })
	return nil
}

func (c *controllers) startServiceAccounts(ctx context.Context) error {
	client, _, err := c.clientsOf("service-account-controller")
	if err != nil {
		return err
	}
	controller, err := serviceaccount.NewServiceAccountsController(klog.FromContext(ctx), c.informers.Core().V1().ServiceAccounts(),
		c.informers.Core().V1().Namespaces(), client, serviceaccount.DefaultServiceAccountsControllerOptions())
	if err != nil {
		return err
	}
	c.running.Go(func() { controller.Run(ctx, 1) })
	return nil
}

func (c *controllers) startRoleAggregation(ctx context.Context) error {
	client, _, err := c.clientsOf("clusterrole-aggregation-controller")
	if err != nil {
		return err
	}
	controller := clusterroleaggregation.NewClusterRoleAggregation(c.informers.Rbac().V1().ClusterRoles(), client.RbacV1())
	c.running.Go(func() { controller.Run(ctx, workers) })
	return nil
}
