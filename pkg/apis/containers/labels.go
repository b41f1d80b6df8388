// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
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

// SplitLabels returns those of the labels in Docker that are valid Kubernetes labels, and the others.
func SplitLabels(all map[string]string) (selectable, others map[string]string) {
	add := func(to *map[string]string, key, value string) {
		if *to == nil {
			*to = map[string]string{}
		}
		(*to)[key] = value
	}
	for key, value := range all {
		if len(validation.IsQualifiedName(key)) == 0 && len(validation.IsValidLabelValue(value)) == 0 {
			add(&selectable, key, value)
		} else {
			add(&others, key, value)
		}
	}
	return selectable, others
}

// validateSpecLabels returns the errors of the labels in a spec. A label that is also in the metadata must have the same
// value there.
func validateSpecLabels(metadata, spec map[string]string) field.ErrorList {
	var errs field.ErrorList
	path := field.NewPath("spec", "labels")
	for _, key := range slices.Sorted(maps.Keys(spec)) {
		if key == "" {
			errs = append(errs, field.Invalid(path, key, "a label must have a name"))
		}
		if value, given := metadata[key]; given && value != spec[key] {
			errs = append(errs, field.Invalid(path.Key(key), spec[key], "must be the same as in metadata.labels, or be left out here"))
		}
	}
	return errs
}

// KeepLabels writes the labels as they are shown into an updated object if it has the same ones in Docker. It does not matter
// whether they are given in the metadata or in the spec.
func KeepLabels(updated, existing metav1.Object, updatedSpec *map[string]string, existingSpec map[string]string) {
	if len(validateSpecLabels(updated.GetLabels(), *updatedSpec)) > 0 {
		return
	}
	if maps.Equal(AllLabels(updated.GetLabels(), *updatedSpec), AllLabels(existing.GetLabels(), existingSpec)) {
		updated.SetLabels(existing.GetLabels())
		*updatedSpec = existingSpec
	}
}
