// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package image is the REST storage of Images.
package image

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// NewStorage returns the REST storage of Images over the objects.
func NewStorage(scheme *runtime.Scheme, objects storage.Interface) (rest.Storage, error) {
	return registry.NewDeleter(registry.Resource{
		Name:           "images",
		SingularName:   "image",
		ShortName:      "img",
		NewFunc:        func() runtime.Object { return &v1alpha1.Image{} },
		NewListFunc:    func() runtime.Object { return &v1alpha1.ImageList{} },
		Strategy:       registry.Strategy{ObjectTyper: scheme},
		TableConvertor: table,
	}, scheme, objects)
}
