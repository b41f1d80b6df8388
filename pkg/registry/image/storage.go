// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package image is the REST storage of Images.
package image

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/names"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// NewStorage returns the REST storage of Images over the objects. Their tags can be created and moved only if find is not
// nil.
func NewStorage(scheme *runtime.Scheme, objects storage.Interface, find FindFunc) (rest.Storage, error) {
	strategy := strategy{registry.Strategy{ObjectTyper: scheme}, names.SimpleNameGenerator}
	resource := registry.Resource{
		Name:           "images",
		SingularName:   "image",
		ShortName:      "img",
		NewFunc:        func() runtime.Object { return &v1alpha1.Image{} },
		NewListFunc:    func() runtime.Object { return &v1alpha1.ImageList{} },
		Strategy:       strategy,
		CreateStrategy: strategy,
		TableConvertor: table,
	}
	if find == nil {
		return registry.NewDeleter(resource, scheme, objects)
	}
	writer, err := registry.NewWriter(resource, scheme, objects)
	if err != nil {
		return nil, err
	}
	return &tagger{writer, find}, nil
}
