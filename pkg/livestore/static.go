// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/rancher-sandbox/engine-apiserver/pkg/livestore"
)

// static is a source of objects that never change.
type static struct {
	resource schema.GroupResource
	objects  map[string]runtime.Object
}

var _ livestore.Source = &static{}

const staticSubject = "static"

// Subjects implements livestore.Source.
func (s *static) Subjects(context.Context) ([]string, error) { return []string{staticSubject}, nil }

// Observe implements livestore.Source.
func (s *static) Observe(context.Context, string) (objects map[string]runtime.Object, related []string, err error) {
	objects = map[string]runtime.Object{}
	for key, object := range s.objects {
		objects[key] = object.DeepCopyObject()
	}
	return objects, nil, nil
}

// Lookup implements livestore.Source.
func (s *static) Lookup(context.Context, string) (string, error) { return "", nil }

// Fence implements livestore.Source.
func (s *static) Fence(context.Context) error { return nil }

// Create implements livestore.Source.
func (s *static) Create(context.Context, string, runtime.Object) (string, error) {
	return "", apierrors.NewMethodNotSupported(s.resource, "create")
}

// Update implements livestore.Source.
func (s *static) Update(context.Context, string, runtime.Object, runtime.Object) error {
	return apierrors.NewMethodNotSupported(s.resource, "update")
}

// Delete implements livestore.Source.
func (s *static) Delete(context.Context, string, runtime.Object) error {
	return apierrors.NewMethodNotSupported(s.resource, "delete")
}
