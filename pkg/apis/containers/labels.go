// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// AllLabels returns the labels that an object has in Docker: those of its metadata and those of its spec.
func AllLabels(metadata, spec map[string]string) map[string]string {
	if len(metadata)+len(spec) == 0 {
		return nil
	}
	all := make(map[string]string, len(metadata)+len(spec))
	maps.Copy(all, spec)
	maps.Copy(all, metadata)
	return all
}

// ValidateSpecLabels returns the errors of the labels in a spec. A label that is also in the metadata must have the same
// value there.
func ValidateSpecLabels(metadata, spec map[string]string) field.ErrorList {
	var errs field.ErrorList
	path := specPath.Child("labels")
	for _, key := range slices.Sorted(maps.Keys(spec)) {
		if key == "" {
			errs = append(errs, field.Invalid(path, key, "a label must have a name"))
		}
		if value, given := metadata[key]; given && value != spec[key] {
			errs = append(errs, field.Invalid(path.Key(key), spec[key], fmt.Sprintf("must be %q as in metadata.labels, or be left out here", value)))
		}
	}
	return errs
}

// KeepLabels writes the labels as they are shown into an updated object if it has the same ones in Docker. It does not matter
// whether they are given in the metadata or in the spec. Labels that the object has inherited need not be given.
func KeepLabels(updated, existing metav1.Object, updatedSpec *map[string]string, existingSpec, inherited map[string]string) {
	if len(ValidateSpecLabels(updated.GetLabels(), *updatedSpec)) > 0 {
		return
	}
	given, shown := AllLabels(updated.GetLabels(), *updatedSpec), AllLabels(existing.GetLabels(), existingSpec)
	for key, value := range inherited {
		if _, isGiven := given[key]; !isGiven && shown[key] == value {
			delete(shown, key)
		}
	}
	if maps.Equal(given, shown) {
		updated.SetLabels(existing.GetLabels())
		*updatedSpec = existingSpec
	}
}
