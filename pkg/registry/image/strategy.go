// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	dockernames "github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// strategy is the strategy of Images whose tags can be created and moved. spec.from is an ID there.
type strategy struct{ registry.CreatableStrategy }

var (
	_ rest.RESTCreateStrategy = strategy{}
	_ rest.RESTUpdateStrategy = strategy{}
)

// PrepareForCreate implements rest.RESTCreateStrategy. It drops what clients cannot set.
func (strategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	image := obj.(*v1alpha1.Image)
	image.Status = v1alpha1.ImageStatus{}
	image.ManagedFields = nil
}

// Validate implements rest.RESTCreateStrategy.
func (strategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	image := obj.(*v1alpha1.Image)
	errs := containers.ValidateImageCreate(image)
	switch tag, err := dockernames.TagOfName(image.Name); {
	case err != nil:
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), image.Name, err.Error()))
	case containers.NameOfTag(tag) != image.Name:
		// Under another spelling the server would not see that the tag exists.
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), image.Name, fmt.Sprintf("must be written as %s", containers.NameOfTag(tag))))
	}
	return errs
}

// PrepareForUpdate implements rest.RESTUpdateStrategy. It drops changes of fields that clients cannot set.
func (strategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	image, existing := obj.(*v1alpha1.Image), old.(*v1alpha1.Image)
	registry.KeepMetadata(image, existing)
	image.Status = existing.Status
	if image.Spec.From == "" {
		image.Spec = existing.Spec
	}
}

// ValidateUpdate implements rest.RESTUpdateStrategy.
func (strategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return containers.ValidateImageUpdate(obj.(*v1alpha1.Image), old.(*v1alpha1.Image))
}
