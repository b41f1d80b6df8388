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
	errs := validateContainerMetadataUpdate(updated, old)

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

func validateContainerMetadataUpdate(updated, old *v1alpha1.Container) field.ErrorList {
	var errs field.ErrorList
	path := field.NewPath("metadata")
	unchanged := func(name string, updated, old any) {
		if !apiequality.Semantic.DeepEqual(updated, old) {
			errs = append(errs, field.Forbidden(path.Child(name),
				"cannot be changed: Docker cannot store "+name+" of a container after its creation"))
		}
	}
	unchanged("labels", updated.Labels, old.Labels)
	unchanged("annotations", storedAnnotations(updated), storedAnnotations(old))
	unchanged("finalizers", updated.Finalizers, old.Finalizers)
	unchanged("ownerReferences", updated.OwnerReferences, old.OwnerReferences)
	return errs
}

// storedAnnotations returns the annotations that Docker would have to store. It leaves out the action and its timeout,
// which are carried out, and the last applied configuration, which the server keeps in memory.
func storedAnnotations(container *v1alpha1.Container) map[string]string {
	stored := maps.Clone(container.Annotations)
	delete(stored, v1alpha1.ActionAnnotation)
	delete(stored, v1alpha1.StopTimeoutAnnotation)
	delete(stored, corev1.LastAppliedConfigAnnotation)
	return stored
}
