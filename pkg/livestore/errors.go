// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/storage"
)

// newUnavailable returns a 503 that tells the client to retry after a second.
func newUnavailable(resource schema.GroupResource, reason string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    http.StatusServiceUnavailable,
		Reason:  metav1.StatusReasonServiceUnavailable,
		Message: fmt.Sprintf("%s cannot be read now: %s", resource, reason),
		Details: &metav1.StatusDetails{Group: resource.Group, Kind: resource.Resource, RetryAfterSeconds: 1},
	}}
}

// newExpired returns the 410 for a version that is no longer kept. Clients look for the first words, which are
// Kubernetes' own.
func newExpired(version, base uint64) *apierrors.StatusError {
	return apierrors.NewResourceExpired(fmt.Sprintf(
		"The resourceVersion for the provided list is too old: %d is asked for, the oldest one kept is %d. List again without a resourceVersion.", version, base))
}

// newContinueExpired returns the 410 for a page of a version that is no longer kept. It carries a token that continues
// at the same key, at the newest version. Clients look for the first words, which are Kubernetes' own.
func newContinueExpired(startKey, prefix string) error {
	token, err := storage.EncodeContinue(startKey, prefix, -1)
	if err != nil {
		return apierrors.NewInternalError(fmt.Errorf("renewing the continue token at %q: %w", startKey, err))
	}
	expired := apierrors.NewResourceExpired(
		"The provided continue parameter is too old to display a consistent list result. List again from the start, or go on with the token in metadata.continue, which shows the newest version from here on.")
	expired.ErrStatus.ListMeta.Continue = token
	return expired
}

// newFutureVersion returns the 410 for a watch from a version that this server has not handed out.
func newFutureVersion(version, current uint64) *apierrors.StatusError {
	return apierrors.NewResourceExpired(fmt.Sprintf(
		"resourceVersion %d was not handed out by this server, whose newest version is %d. List again without a resourceVersion.", version, current))
}

// timedOut returns the 504 for a request that ran out of time. If the store was stopped instead, it returns a 503.
func (s *Store) timedOut(doing string, ctx context.Context) error {
	if ctx.Err() == nil {
		return newUnavailable(s.Resource, "the server is stopping")
	}
	return apierrors.NewTimeoutError(fmt.Sprintf("%s %s: %v", doing, s.Resource, context.Cause(ctx)), 1)
}

// notReadBack returns the 504 for a change that was made but could not be read back. It gives no time to retry after:
// clients would make the change again by themselves.
func (s *Store) notReadBack(ctx context.Context) error {
	cause := "the server is stopping"
	if ctx.Err() != nil {
		cause = context.Cause(ctx).Error()
	}
	return apierrors.NewTimeoutError(fmt.Sprintf("the change of %s was made, but not read back: %s. Get it later to see the outcome", s.Resource, cause), 0)
}
