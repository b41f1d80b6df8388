// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

var specPath = field.NewPath("spec")

// ValidateImageCreate returns the errors of an Image that is a new tag.
func ValidateImageCreate(image *v1alpha1.Image) field.ErrorList {
	errs := unchangedMetadata(image, &v1alpha1.Image{}, "cannot be set: Docker cannot store %s of a tag")
	if image.Spec.From == "" {
		errs = append(errs, field.Required(specPath.Child("from"), "the name or the ID of the image to tag"))
	}
	return errs
}

// ValidateImageUpdate returns the errors of a change from old to updated.
func ValidateImageUpdate(updated, old *v1alpha1.Image) field.ErrorList {
	errs := validateMetadataUpdate("an image", updated, old)
	if updated.Spec.From != old.Spec.From && old.Status.RepoTag == "" {
		errs = append(errs, field.Forbidden(specPath.Child("from"), "this image has no tag: create an Image whose name is a tag instead"))
	}
	return errs
}

// validateMetadataUpdate returns the errors of changes of metadata. kind is a word for the object.
func validateMetadataUpdate(kind string, updated, old metav1.Object) field.ErrorList {
	return unchangedMetadata(updated, old, "cannot be changed: Docker cannot store %s of "+kind+" after its creation")
}

// unchangedMetadata returns an error for each part of the metadata that Docker would have to store. format has a verb for
// the name of the part.
func unchangedMetadata(updated, old metav1.Object, format string) field.ErrorList {
	errs := unchangedPart("labels", updated.GetLabels(), old.GetLabels(), format)
	return append(errs, unstoredMetadata(updated, old, format)...)
}

// unstoredMetadata is like unchangedMetadata, for objects that are created with labels.
func unstoredMetadata(updated, old metav1.Object, format string) field.ErrorList {
	errs := unchangedPart("annotations", storedAnnotations(updated), storedAnnotations(old), format)
	errs = append(errs, unchangedPart("finalizers", updated.GetFinalizers(), old.GetFinalizers(), format)...)
	return append(errs, unchangedPart("ownerReferences", updated.GetOwnerReferences(), old.GetOwnerReferences(), format)...)
}

func unchangedPart(name string, updated, old any, format string) field.ErrorList {
	if apiequality.Semantic.DeepEqual(updated, old) {
		return nil
	}
	return field.ErrorList{field.Forbidden(field.NewPath("metadata", name), fmt.Sprintf(format, name))}
}

// storedAnnotations returns the annotations that Docker would have to store. It leaves out a container's action and its
// timeout, which are carried out, and the last applied configuration, which the server keeps in memory.
func storedAnnotations(object metav1.Object) map[string]string {
	stored := maps.Clone(object.GetAnnotations())
	if _, ok := object.(*v1alpha1.Container); ok {
		delete(stored, v1alpha1.ActionAnnotation)
		delete(stored, v1alpha1.StopTimeoutAnnotation)
	}
	delete(stored, corev1.LastAppliedConfigAnnotation)
	return stored
}
