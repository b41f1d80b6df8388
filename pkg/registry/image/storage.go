// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package image is the REST storage of Images.
package image

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// NewStorage returns the REST storage of Images with the verbs over the objects. It finds the sources of tags with find.
func NewStorage(scheme *runtime.Scheme, objects *registry.Namespaced, verbs registry.Verbs, find FindFunc) (rest.Storage, error) {
	strategy := strategy{registry.NewCreatableStrategy(scheme, "the server ends or the tag goes")}
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
	storage, err := registry.NewStorage(resource, verbs, scheme, objects)
	if writer, ok := storage.(*registry.Writer); ok {
		return &tagger{writer, find}, nil
	}
	return storage, err
}
