// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
)

// A Writer is an Updater that also serves create.
type Writer struct {
	*Updater
	creator *Creator
}

var (
	_ rest.Creater = &Writer{}
	_ rest.Patcher = &Writer{}
)

// Create implements rest.Creater.
func (w *Writer) Create(ctx context.Context, object runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	return w.creator.Create(ctx, object, validate, options)
}

// Update implements rest.Updater. It creates an object that does not exist if the request is a server-side apply.
func (w *Writer) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, create rest.ValidateObjectFunc, update rest.ValidateObjectUpdateFunc, isApply bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	ctx, cancel := withTimeToAnswer(ctx)
	defer cancel()
	return w.store.Update(ctx, name, unowned{info}, create, update, isApply, options)
}
