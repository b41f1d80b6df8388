// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// FindFunc returns the ID of the image that has the name or the ID now, or "" if there is none.
type FindFunc func(ctx context.Context, name string) (id string, err error)

// tagger is the storage of Images whose tags can be created and moved. It puts the ID of an image into spec.from before
// anything else sees the object.
type tagger struct {
	*registry.Writer
	find FindFunc
}

// Create implements rest.Creater.
func (t *tagger) Create(ctx context.Context, object runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	if err := t.resolve(ctx, object); err != nil {
		return nil, err
	}
	return t.Writer.Create(ctx, object, validate, options)
}

// Update implements rest.Updater.
func (t *tagger) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, create rest.ValidateObjectFunc, update rest.ValidateObjectUpdateFunc, isApply bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	return t.Writer.Update(ctx, name, resolving{info, t}, create, update, isApply, options)
}

// resolving resolves spec.from of the updated object.
type resolving struct {
	rest.UpdatedObjectInfo
	tagger *tagger
}

// UpdatedObject implements rest.UpdatedObjectInfo.
func (r resolving) UpdatedObject(ctx context.Context, existing runtime.Object) (runtime.Object, error) {
	updated, err := r.UpdatedObjectInfo.UpdatedObject(ctx, existing)
	if err != nil {
		return nil, err
	}
	if image, ok := updated.(*v1alpha1.Image); ok && image.Spec == existing.(*v1alpha1.Image).Spec {
		return updated, nil
	}
	return updated, r.tagger.resolve(ctx, updated)
}

// resolve replaces the name in spec.from by the ID of the image that has it.
func (t *tagger) resolve(ctx context.Context, object runtime.Object) error {
	image, ok := object.(*v1alpha1.Image)
	if !ok || image.Spec.From == "" {
		return nil // validation refuses it
	}
	id, err := t.find(ctx, containers.NameOfTag(image.Spec.From))
	if err != nil {
		return err
	}
	if id == "" {
		return apierrors.NewInvalid(v1alpha1.Kind("Image"), image.Name, field.ErrorList{
			field.NotFound(field.NewPath("spec", "from"), image.Spec.From),
		})
	}
	image.Spec.From = id
	return nil
}
