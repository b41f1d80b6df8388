// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package container is the REST storage of Containers.
package container

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// NewStorage returns the REST storage of Containers with the verbs over the objects.
func NewStorage(scheme *runtime.Scheme, objects *registry.Namespaced, verbs registry.Verbs, stopTimeout StopTimeoutFunc, hiddenEnvironment HiddenEnvironmentFunc, imageLabels ImageLabelsFunc) (rest.Storage, error) {
	strategy := strategy{registry.NewCreatableStrategy(scheme, "the server or the container ends"), stopTimeout, hiddenEnvironment, imageLabels}
	resource := registry.Resource{
		Name:           "containers",
		SingularName:   "container",
		ShortName:      "ctr",
		NewFunc:        func() runtime.Object { return &v1alpha1.Container{} },
		NewListFunc:    func() runtime.Object { return &v1alpha1.ContainerList{} },
		Strategy:       strategy,
		CreateStrategy: strategy,
		TableConvertor: table,
		// There are many workers, because the deletion of a running container waits for Docker: until Docker begins to
		// stop the container, or has stopped it.
		DeleteCollectionWorkers: 32,
	}
	storage, err := registry.NewStorage(resource, verbs, scheme, objects)
	if writer, ok := storage.(*registry.Writer); ok {
		return &creator{writer, hiddenEnvironment}, nil
	}
	return storage, err
}
