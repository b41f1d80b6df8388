// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned"
	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/informers/externalversions"
)

// Informers hold copies of all resources, as controllers and user interfaces do.
type Informers struct {
	factory externalversions.SharedInformerFactory
	stores  map[string]cache.SharedIndexInformer
}

// StartInformers starts informers that run until ctx ends. Wait waits for their end.
func StartInformers(ctx context.Context, clients versioned.Interface, namespace string) (*Informers, error) {
	i := &Informers{
		factory: externalversions.NewSharedInformerFactoryWithOptions(clients, 0, externalversions.WithNamespace(namespace)),
		stores:  map[string]cache.SharedIndexInformer{},
	}
	for _, resource := range Resources {
		informer, err := i.factory.ForResource(v1alpha1.SchemeGroupVersion.WithResource(resource))
		if err != nil {
			return nil, err
		}
		i.stores[resource] = informer.Informer()
	}
	i.factory.StartWithContext(ctx)
	return i, nil
}

// Wait waits until the informers have ended.
func (i *Informers) Wait() { i.factory.Shutdown() }

// Stored returns the objects that the informer of a resource holds.
func (i *Informers) Stored(resource string) []runtime.Object {
	var objects []runtime.Object
	for _, object := range i.stores[resource].GetStore().List() {
		objects = append(objects, object.(runtime.Object))
	}
	return objects
}
