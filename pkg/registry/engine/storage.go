// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package engine is the REST storage of Engines.
package engine

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// NewStorage returns the REST storage of Engines over the objects.
func NewStorage(scheme *runtime.Scheme, objects storage.Interface) (rest.Storage, error) {
	return registry.NewReader(registry.Resource{
		Name:           "engines",
		SingularName:   "engine",
		ShortName:      "eng",
		NewFunc:        func() runtime.Object { return &v1alpha1.Engine{} },
		NewListFunc:    func() runtime.Object { return &v1alpha1.EngineList{} },
		Strategy:       registry.Strategy{ObjectTyper: scheme},
		TableConvertor: table,
	}, scheme, objects)
}
