// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// SpecChanged reports whether an object gets a new generation. That is so if its spec has changed, and, as in
// Kubernetes, if its deletion has begun or has failed.
func SpecChanged(old, updated runtime.Object) bool {
	before, after := specOf(old), specOf(updated)
	if before == nil {
		return false
	}
	return !reflect.DeepEqual(before, after) || isBeingDeleted(old) != isBeingDeleted(updated)
}

// specOf returns a pointer to the spec of an object. It returns nil for a kind without one.
func specOf(object runtime.Object) any {
	switch object := object.(type) {
	case *v1alpha1.Container:
		return &object.Spec
	case *v1alpha1.Image:
		return &object.Spec
	case *v1alpha1.Volume:
		return &object.Spec
	case *v1alpha1.Network:
		return &object.Spec
	}
	return nil
}

func isBeingDeleted(object runtime.Object) bool {
	accessor, err := meta.Accessor(object)
	return err == nil && accessor.GetDeletionTimestamp() != nil
}

// SetGeneration writes a generation into the metadata and the status of an object. A status always belongs to the spec
// beside it.
func SetGeneration(object runtime.Object, generation int64) {
	switch object := object.(type) {
	case *v1alpha1.Container:
		object.Status.ObservedGeneration = generation
		object.Status.Conditions = observedAt(object.Status.Conditions, generation)
	case *v1alpha1.Image:
		object.Status.Conditions = observedAt(object.Status.Conditions, generation)
	case *v1alpha1.ImagePullRequest:
		setRequestGeneration(&object.Status, generation)
	case *v1alpha1.ImagePushRequest:
		setRequestGeneration(&object.Status, generation)
	case *v1alpha1.Engine:
		object.Status.ObservedGeneration = generation
		object.Status.Conditions = observedAt(object.Status.Conditions, generation)
	}
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetGeneration(generation)
	}
}

func setRequestGeneration(status *v1alpha1.ImageRequestStatus, generation int64) {
	status.ObservedGeneration = generation
	status.Conditions = observedAt(status.Conditions, generation)
}

// observedAt returns the conditions with that generation. It changes only a copy, because objects share conditions.
func observedAt(conditions []metav1.Condition, generation int64) []metav1.Condition {
	isOther := func(c metav1.Condition) bool { return c.ObservedGeneration != generation }
	if !slices.ContainsFunc(conditions, isOther) {
		return conditions
	}
	conditions = slices.Clone(conditions)
	for i := range conditions {
		conditions[i].ObservedGeneration = generation
	}
	return conditions
}
