// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/utils/clock"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/stats"
	"github.com/rancher-sandbox/engine-apiserver/pkg/livestore"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/containermetrics"
	"github.com/rancher-sandbox/engine-apiserver/pkg/resourcemetrics"
)

// addMetrics makes the sampler of the containers' metrics and the store over it, and adds their REST storage to result.
func (s *stores) addMetrics(result map[string]rest.Storage, engine stats.Engine) error {
	const resource = stats.Resource
	newFunc := func() runtime.Object { return &v1alpha1.ContainerMetrics{} }
	elsewhere, err := s.addStatic(resource, newFunc, nil)
	if err != nil {
		return err
	}
	s.sampler = stats.New(engine, runningContainers{s.live["containers"]}, clock.RealClock{})
	store, err := s.addAvailable(resource, newFunc, s.sampler)
	if err != nil {
		return err
	}
	s.sampler.SetSink(store)
	objects := registry.InNamespace(s.namespace, registry.Prefix(resource), containermetrics.Sampled(store, s.sampler), elsewhere)
	result[resource], err = containermetrics.NewStorage(Scheme, objects, result["containers"].(rest.Getter))
	return err
}

// serveResourceMetrics serves what the containers use to Prometheus. The handler chain asks whether the user may get the path.
func serveResourceMetrics(server *genericapiserver.GenericAPIServer, s *stores) {
	server.Handler.NonGoRestfulMux.Handle(resourcemetrics.Path, resourcemetrics.Handler{
		Ready: s.sampler.Ready, Measured: s.sampler.Measured, Started: runningContainers{s.live["containers"]}.started,
	})
}

// runningContainers takes the containers that run from the store of the containers.
type runningContainers struct{ store *livestore.Store }

// Refresh implements stats.Containers.
func (r runningContainers) Refresh(ctx context.Context) error {
	first := storage.Everything
	first.Limit = 1 // a live list shows everything, however much of it is asked for
	list := livestore.NewList(func() runtime.Object { return &v1alpha1.ContainerList{} })
	return r.store.GetList(ctx, registry.Prefix("containers"), storage.ListOptions{Recursive: true, Predicate: first}, list)
}

// Changed implements stats.Containers.
func (r runningContainers) Changed() <-chan struct{} { return r.store.Changed() }

// measurable lists the states in which Docker tells what a container uses.
var measurable = []v1alpha1.ContainerDockerStatus{
	v1alpha1.ContainerDockerStatusRunning, v1alpha1.ContainerDockerStatusPausing, v1alpha1.ContainerDockerStatusPaused,
}

// Running implements stats.Containers.
func (r runningContainers) Running() []stats.Container { return r.in(measurable) }

// started returns the containers that run, and those that Docker is about to start again.
func (r runningContainers) started() []stats.Container {
	return r.in(append([]v1alpha1.ContainerDockerStatus{v1alpha1.ContainerDockerStatusRestarting}, measurable...))
}

// in returns the containers that are in one of the states.
func (r runningContainers) in(states []v1alpha1.ContainerDockerStatus) (found []stats.Container) {
	r.store.Each(func(object runtime.Object) {
		if c := object.(*v1alpha1.Container); slices.Contains(states, c.Status.Status) {
			found = append(found, runningContainer(c))
		}
	})
	return found
}

func runningContainer(c *v1alpha1.Container) stats.Container {
	running := stats.Container{ID: c.Status.ID, Namespace: c.Namespace, Name: c.Name, Labels: c.Labels, Created: c.CreationTimestamp}
	if c.Status.StartedAt != nil {
		running.Started = *c.Status.StartedAt
	}
	if c.Spec.Resources != nil {
		running.CPU = c.Spec.Resources.CPU
	}
	return running
}
