// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package containernamespace is the REST storage of ContainerNamespaces.
package containernamespace

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// NewStorage returns the REST storage of ContainerNamespaces over the objects.
func NewStorage(scheme *runtime.Scheme, objects storage.Interface) (rest.Storage, error) {
	return registry.NewReader(registry.Resource{
		Name:           "containernamespaces",
		SingularName:   "containernamespace",
		ShortName:      "cns",
		NewFunc:        func() runtime.Object { return &v1alpha1.ContainerNamespace{} },
		NewListFunc:    func() runtime.Object { return &v1alpha1.ContainerNamespaceList{} },
		Strategy:       registry.Strategy{ObjectTyper: scheme},
		TableConvertor: registry.NewTableConvertor[*v1alpha1.ContainerNamespace](),
	}, scheme, objects)
}
