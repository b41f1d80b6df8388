// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// static is a source of objects that never change.
type static struct {
	resource schema.GroupResource
	objects  map[string]runtime.Object
}

var _ Source = &static{}

const staticSubject = "static"

// NewStatic returns a source of objects that never change. objects maps their keys to them.
func NewStatic(resource schema.GroupResource, objects map[string]runtime.Object) Source {
	return &static{resource, objects}
}

// Subjects implements Source.
func (s *static) Subjects(context.Context) ([]string, error) {
	if len(s.objects) == 0 {
		return nil, nil
	}
	return []string{staticSubject}, nil
}

// Observe implements Source.
func (s *static) Observe(context.Context, string) (objects map[string]runtime.Object, related []string, err error) {
	objects = map[string]runtime.Object{}
	for key, object := range s.objects {
		objects[key] = object.DeepCopyObject()
	}
	return objects, nil, nil
}

// Lookup implements Source.
func (s *static) Lookup(context.Context, string) (string, error) { return "", nil }

// Fence implements Source.
func (s *static) Fence(context.Context) error { return nil }

// Create implements Source.
func (s *static) Create(context.Context, string, runtime.Object) (string, error) {
	return "", apierrors.NewMethodNotSupported(s.resource, "create")
}

// Update implements Source.
func (s *static) Update(context.Context, string, runtime.Object, runtime.Object) error {
	return apierrors.NewMethodNotSupported(s.resource, "update")
}

// Delete implements Source.
func (s *static) Delete(context.Context, string, runtime.Object) error {
	return apierrors.NewMethodNotSupported(s.resource, "delete")
}
