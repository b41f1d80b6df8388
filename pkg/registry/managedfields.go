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
	// statusOwner is the server as a manager of fields.
	statusOwner = metav1.ManagedFieldsEntry{
		Manager:    "engine-apiserver",
		Operation:  metav1.ManagedFieldsOperationUpdate,
		APIVersion: apiVersion,
		FieldsType: "FieldsV1",
		FieldsV1:   metav1.NewFieldsV1(`{"f:status":{}}`),
	}
)

// unowned has an update start from an object on which nobody owns what can be changed, since there is nowhere to
// keep an owner. Left alone, a server-side apply takes all that is there for the work of another manager and conflicts
// with it.
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

// badRequest is the API error for a change that cannot be made of what was sent.
func badRequest(ctx context.Context, err error) error {
	if status := apierrors.APIStatus(nil); errors.As(err, &status) || ctx.Err() != nil {
		return err
	}
	return apierrors.NewBadRequest(err.Error())
}
