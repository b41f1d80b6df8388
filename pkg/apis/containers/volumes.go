// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// ValidateVolumeCreate returns the errors of a new volume, without those of its name.
func ValidateVolumeCreate(volume *v1alpha1.Volume) field.ErrorList {
	errs := unstoredMetadata(volume, &v1alpha1.Volume{}, "cannot be set: Docker cannot store %s of a volume")
	errs = append(errs, ValidateSpecLabels(volume.Labels, volume.Spec.Labels)...)
	return append(errs, ValidateOptions(specPath.Child("options"), volume.Spec.Options)...)
}

// ValidateVolumeUpdate returns the errors of a change from old to updated.
func ValidateVolumeUpdate(updated, old *v1alpha1.Volume) field.ErrorList {
	errs := validateMetadataUpdate("a volume", updated, old)
	return append(errs, ValidateImmutable(specPath, &updated.Spec, &old.Spec)...)
}

// ValidateOptions returns the errors of the options of a driver. The driver decides which options there are.
func ValidateOptions(path *field.Path, options map[string]string) field.ErrorList {
	if _, found := options[""]; found {
		return field.ErrorList{field.Invalid(path, "", "an option must have a name")}
	}
	return nil
}
