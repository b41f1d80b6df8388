// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

var (
	versioner   storage.APIObjectVersioner
	apiVersion  = v1alpha1.SchemeGroupVersion.String()
	resetFields = map[fieldpath.APIVersion]*fieldpath.Set{
		fieldpath.APIVersion(apiVersion): fieldpath.NewSet(fieldpath.MakePathOrDie("status")),
	}
	// statusOwner is the entry of the server itself in managedFields.
	statusOwner = metav1.ManagedFieldsEntry{
		Manager:    "engine-apiserver",
		Operation:  metav1.ManagedFieldsOperationUpdate,
		APIVersion: apiVersion,
		FieldsType: "FieldsV1",
		FieldsV1:   metav1.NewFieldsV1(`{"f:status":{}}`),
	}
)

// unowned makes an update start from an object whose changeable fields nobody owns, because there is no place to keep
// an owner. Without it, a server-side apply would treat every field as owned by another manager and report conflicts.
type unowned struct{ rest.UpdatedObjectInfo }

// UpdatedObject implements rest.UpdatedObjectInfo.
func (u unowned) UpdatedObject(ctx context.Context, existing runtime.Object) (runtime.Object, error) {
	existing = existing.DeepCopyObject()
	accessor, err := meta.Accessor(existing)
	if err != nil {
		return nil, err
	}
	accessor.SetManagedFields([]metav1.ManagedFieldsEntry{*statusOwner.DeepCopy()})
	updated, err := u.UpdatedObjectInfo.UpdatedObject(ctx, existing)
	if err != nil {
		return nil, badRequest(ctx, err)
	}
	if _, err := versioner.ObjectResourceVersion(updated); err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("metadata.resourceVersion: %v", err))
	}
	return updated, nil
}

// badRequest returns the API error for a change that cannot be applied to the object.
func badRequest(ctx context.Context, err error) error {
	if status := apierrors.APIStatus(nil); errors.As(err, &status) || ctx.Err() != nil {
		return err
	}
	return apierrors.NewBadRequest(err.Error())
}
