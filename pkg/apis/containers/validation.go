// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// settableStates are the values that spec.state of a container can be set to.
var settableStates = []v1alpha1.ContainerState{
	v1alpha1.ContainerStateRunning,
	v1alpha1.ContainerStatePaused,
	v1alpha1.ContainerStateCreated,
}

// settableActions are the values that v1alpha1.ActionAnnotation can be set to.
var settableActions = []v1alpha1.ContainerAction{
	v1alpha1.ContainerActionStart,
	v1alpha1.ContainerActionStop,
	v1alpha1.ContainerActionPause,
	v1alpha1.ContainerActionUnpause,
	v1alpha1.ContainerActionRestart,
}

// ValidateContainerUpdate returns the errors of a change from old to updated.
func ValidateContainerUpdate(updated, old *v1alpha1.Container) field.ErrorList {
	errs := validateMetadataUpdate("a container", updated, old)

	stateChanges := updated.Spec.State != old.Spec.State
	if stateChanges && !slices.Contains(settableStates, updated.Spec.State) {
		errs = append(errs, field.NotSupported(field.NewPath("spec", "state"), updated.Spec.State, settableStates))
	}

	if action, ok := updated.Annotations[v1alpha1.ActionAnnotation]; ok {
		path := field.NewPath("metadata", "annotations").Key(v1alpha1.ActionAnnotation)
		if !slices.Contains(settableActions, v1alpha1.ContainerAction(action)) {
			errs = append(errs, field.NotSupported(path, v1alpha1.ContainerAction(action), settableActions))
		}
		if stateChanges {
			errs = append(errs, field.Forbidden(path, "a request can change spec.state or carry an action, not both"))
		}
	}
	return append(errs, validateStopTimeout(updated)...)
}

func validateStopTimeout(updated *v1alpha1.Container) field.ErrorList {
	timeout, ok := updated.Annotations[v1alpha1.StopTimeoutAnnotation]
	if !ok {
		return nil
	}
	path := field.NewPath("metadata", "annotations").Key(v1alpha1.StopTimeoutAnnotation)
	switch v1alpha1.ContainerAction(updated.Annotations[v1alpha1.ActionAnnotation]) {
	case v1alpha1.ContainerActionStop, v1alpha1.ContainerActionRestart:
	default:
		return field.ErrorList{field.Forbidden(path, "only the actions stop and restart have a timeout")}
	}
	if seconds, err := strconv.Atoi(timeout); err != nil || seconds < 0 || seconds > v1alpha1.MaxStopTimeoutSeconds {
		return field.ErrorList{field.Invalid(path, timeout, fmt.Sprintf("must be a number of seconds from 0 to %d", v1alpha1.MaxStopTimeoutSeconds))}
	}
	return nil
}

// ValidateImageCreate returns the errors of an Image that is a new tag.
func ValidateImageCreate(image *v1alpha1.Image) field.ErrorList {
	errs := unchangedMetadata(image, &v1alpha1.Image{}, "cannot be set: Docker cannot store %s of a tag")
	if image.Spec.From == "" {
		errs = append(errs, field.Required(field.NewPath("spec", "from"), "the name or the ID of the image to tag"))
	}
	return errs
}

// ValidateImageUpdate returns the errors of a change from old to updated.
func ValidateImageUpdate(updated, old *v1alpha1.Image) field.ErrorList {
	errs := validateMetadataUpdate("an image", updated, old)
	if updated.Spec.From != old.Spec.From && old.Status.RepoTag == "" {
		errs = append(errs, field.Forbidden(field.NewPath("spec", "from"), "this image has no tag: create an Image whose name is a tag instead"))
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
	var errs field.ErrorList
	path := field.NewPath("metadata")
	unchanged := func(name string, updated, old any) {
		if !apiequality.Semantic.DeepEqual(updated, old) {
			errs = append(errs, field.Forbidden(path.Child(name), fmt.Sprintf(format, name)))
		}
	}
	unchanged("labels", updated.GetLabels(), old.GetLabels())
	unchanged("annotations", storedAnnotations(updated), storedAnnotations(old))
	unchanged("finalizers", updated.GetFinalizers(), old.GetFinalizers())
	unchanged("ownerReferences", updated.GetOwnerReferences(), old.GetOwnerReferences())
	return errs
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
