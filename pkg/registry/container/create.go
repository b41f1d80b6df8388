// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/util/dryrun"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/validation"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// creator is the storage of Containers that can be created. The answer to a dry run shows the defaults. What is created has
// no defaults in its spec, because Docker keeps which fields were given.
type creator struct {
	*registry.Writer
	hiddenEnvironment HiddenEnvironmentFunc
}

// Create implements rest.Creater.
func (c *creator) Create(ctx context.Context, object runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	created, err := c.Writer.Create(ctx, object, validate, options)
	if err == nil && dryrun.IsDryRun(options.DryRun) {
		c.showAsMade(created)
	}
	return created, err
}

// Update implements rest.Updater. A server-side apply of a container that does not exist creates it.
func (c *creator) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, create rest.ValidateObjectFunc, update rest.ValidateObjectUpdateFunc, isApply bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	updated, isNew, err := c.Writer.Update(ctx, name, info, create, update, isApply, options)
	if err == nil && isNew && dryrun.IsDryRun(options.DryRun) {
		c.showAsMade(updated)
	}
	return updated, isNew, err
}

// showAsMade makes the answer to a dry run look like a container that was made.
func (c *creator) showAsMade(object runtime.Object) {
	container, ok := object.(*v1alpha1.Container)
	if !ok {
		return
	}
	validation.SetContainerDefaults(&container.Spec)
	if c.hiddenEnvironment != nil {
		container.Spec.Env = containers.HideValues(container.Spec.Env)
	}
}

// PrepareForCreate implements rest.RESTCreateStrategy. It drops what clients cannot set.
func (s strategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	container := obj.(*v1alpha1.Container)
	if s.hiddenEnvironment != nil {
		containers.HideAppliedValues(container)
	}
	container.Status = v1alpha1.ContainerStatus{}
	container.ManagedFields = nil
}

// Validate implements rest.RESTCreateStrategy.
func (strategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	return validation.ValidateContainerCreate(obj.(*v1alpha1.Container))
}
