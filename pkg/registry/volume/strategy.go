// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"cmp"
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	dockernames "github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

type strategy struct{ registry.CreatableStrategy }

var (
	_ rest.RESTCreateStrategy = strategy{}
	_ rest.RESTUpdateStrategy = strategy{}
)

// PrepareForCreate implements rest.RESTCreateStrategy.
func (strategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	volume := obj.(*v1alpha1.Volume)
	volume.Status = v1alpha1.VolumeStatus{}
	volume.ManagedFields = nil
	volume.Spec.Driver = cmp.Or(volume.Spec.Driver, v1alpha1.DefaultVolumeDriver)
}

// Validate implements rest.RESTCreateStrategy.
func (strategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	volume := obj.(*v1alpha1.Volume)
	errs := registry.ValidateNewName(volume.Name)
	// The local driver takes no other names. The drivers of plugins decide for themselves.
	if len(errs) == 0 && volume.Spec.Driver == v1alpha1.DefaultVolumeDriver && !dockernames.IsCommon(volume.Name) {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), volume.Name,
			"must have two or more letters, digits, '_', '.' and '-', and must begin with a letter or a digit"))
	}
	return append(errs, containers.ValidateVolumeCreate(volume)...)
}

// WarningsOnCreate implements rest.RESTCreateStrategy.
func (s strategy) WarningsOnCreate(ctx context.Context, obj runtime.Object) []string {
	return append(s.CreatableStrategy.WarningsOnCreate(ctx, obj), registry.WarnOfSpecLabels(obj.(*v1alpha1.Volume).Spec.Labels)...)
}

// PrepareForUpdate implements rest.RESTUpdateStrategy. It drops changes of fields that clients cannot set, and keeps the
// driver if none is given.
func (strategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	volume, existing := obj.(*v1alpha1.Volume), old.(*v1alpha1.Volume)
	registry.KeepMetadata(volume, existing)
	volume.Status = existing.Status
	volume.Spec.Driver = cmp.Or(volume.Spec.Driver, existing.Spec.Driver)
	containers.KeepLabels(volume, existing, &volume.Spec.Labels, existing.Spec.Labels, nil)
}

// ValidateUpdate implements rest.RESTUpdateStrategy.
func (strategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return containers.ValidateVolumeUpdate(obj.(*v1alpha1.Volume), old.(*v1alpha1.Volume))
}
