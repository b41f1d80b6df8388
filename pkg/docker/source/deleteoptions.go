// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type deleteOptionsKey struct{}

// WithDeleteOptions returns a context that carries the options of a delete request to a source's Delete.
func WithDeleteOptions(ctx context.Context, options *metav1.DeleteOptions) context.Context {
	return context.WithValue(ctx, deleteOptionsKey{}, options)
}

// DeleteOptionsFrom returns the options of the delete request. It returns empty options if ctx carries none.
func DeleteOptionsFrom(ctx context.Context) *metav1.DeleteOptions {
	if options, ok := ctx.Value(deleteOptionsKey{}).(*metav1.DeleteOptions); ok && options != nil {
		return options
	}
	return &metav1.DeleteOptions{}
}

// Forced reports whether the delete request asks for a deletion at once, whatever it costs.
func Forced(ctx context.Context) bool {
	grace := DeleteOptionsFrom(ctx).GracePeriodSeconds
	return grace != nil && *grace == 0
}
