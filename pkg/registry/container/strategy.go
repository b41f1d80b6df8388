// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"cmp"
	"context"
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/validation"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// StopTimeoutFunc returns how long the container with this ID may take to stop. That is the container's own timeout, or
// else Docker's default.
type StopTimeoutFunc func(id string) time.Duration

// HiddenEnvironmentFunc returns the environment of the container with this ID. It is nil if the API does not hide the values of
// variables.
type HiddenEnvironmentFunc func(id string) []v1alpha1.ContainerEnvVar

// ImageLabelsFunc returns the labels that the image with this ID gives its containers, as far as they are known. It may be nil.
type ImageLabelsFunc func(id string) map[string]string

type strategy struct {
	registry.CreatableStrategy
	stopTimeout       StopTimeoutFunc
	hiddenEnvironment HiddenEnvironmentFunc
	imageLabels       ImageLabelsFunc
}

var (
	_ rest.RESTCreateStrategy         = strategy{}
	_ rest.RESTGracefulDeleteStrategy = strategy{}
)

// PrepareForUpdate implements rest.RESTUpdateStrategy. It drops changes of fields that clients cannot set.
func (s strategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	container, existing := obj.(*v1alpha1.Container), old.(*v1alpha1.Container)
	registry.KeepMetadata(container, existing)
	container.Status = existing.Status
	state := cmp.Or(container.Spec.State, existing.Spec.State)
	if saysOnlyState(&container.Spec) {
		container.Spec = *existing.Spec.DeepCopy()
	}
	container.Spec.State = state
	if s.hiddenEnvironment != nil {
		containers.HideAppliedValues(container)
		container.Spec.Env = containers.HideKnownValues(container.Spec.Env, s.hiddenEnvironment(existing.Status.ID))
	}
	keepWhatMeansTheSame(&container.Spec, &existing.Spec)
	var inherited map[string]string
	if s.imageLabels != nil {
		inherited = s.imageLabels(existing.Status.ImageID)
	}
	containers.KeepLabels(container, existing, &container.Spec.Labels, existing.Spec.Labels, inherited)
}

// saysOnlyState reports whether a spec gives nothing but the state. So does a client that only starts and stops containers,
// and that does not know the other fields. No container has such a spec, because each is made from an image.
func saysOnlyState(spec *v1alpha1.ContainerSpec) bool {
	return apiequality.Semantic.DeepEqual(spec, &v1alpha1.ContainerSpec{State: spec.State})
}

// ValidateUpdate implements rest.RESTUpdateStrategy.
func (strategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return validation.ValidateContainerUpdate(obj.(*v1alpha1.Container), old.(*v1alpha1.Container))
}

// CheckGracefulDelete implements rest.RESTGracefulDeleteStrategy. It gives a container that runs time to stop.
func (s strategy) CheckGracefulDelete(_ context.Context, obj runtime.Object, options *metav1.DeleteOptions) bool {
	container := obj.(*v1alpha1.Container)
	switch container.Status.Status {
	case v1alpha1.ContainerDockerStatusCreated, v1alpha1.ContainerDockerStatusExited,
		v1alpha1.ContainerDockerStatusDead, v1alpha1.ContainerDockerStatusRemoving:
		return false
	}
	if options.GracePeriodSeconds == nil {
		// 0 would delete the container at once, by force.
		grace := max(1, int64(s.stopTimeout(container.Status.ID).Seconds()))
		options.GracePeriodSeconds = &grace
	}
	return *options.GracePeriodSeconds > 0
}
