// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"cmp"
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	dockernames "github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// lastApplied is how long the server keeps what kubectl applied last.
const lastApplied = "the server or the volume ends"

type strategy struct {
	registry.Strategy
	names.NameGenerator
}

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
func (strategy) WarningsOnCreate(_ context.Context, obj runtime.Object) []string {
	volume := obj.(*v1alpha1.Volume)
	return append(registry.WarnOfLastApplied(volume, &v1alpha1.Volume{}, lastApplied), registry.WarnOfSpecLabels(volume.Spec.Labels)...)
}

// PrepareForUpdate implements rest.RESTUpdateStrategy. It drops changes of fields that clients cannot set, and keeps the
// driver if none is given.
func (strategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	volume, existing := obj.(*v1alpha1.Volume), old.(*v1alpha1.Volume)
	registry.KeepMetadata(volume, existing)
	volume.Status = existing.Status
	volume.Spec.Driver = cmp.Or(volume.Spec.Driver, existing.Spec.Driver)
	containers.KeepLabels(volume, existing, &volume.Spec.Labels, existing.Spec.Labels)
}

// ValidateUpdate implements rest.RESTUpdateStrategy.
func (strategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return containers.ValidateVolumeUpdate(obj.(*v1alpha1.Volume), old.(*v1alpha1.Volume))
}

// WarningsOnUpdate implements rest.RESTUpdateStrategy.
func (strategy) WarningsOnUpdate(_ context.Context, obj, old runtime.Object) []string {
	return registry.WarnOfLastApplied(obj.(*v1alpha1.Volume), old.(*v1alpha1.Volume), lastApplied)
}
