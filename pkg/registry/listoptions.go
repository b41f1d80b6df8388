// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/endpoints/request"
)

// maxSeconds is how many seconds a time.Duration can hold. A larger number overflows to a time in the past.
const maxSeconds = int64(math.MaxInt64 / time.Second)

// CheckListOptions refuses options that the generic code misunderstands: negative and very large numbers, and a
// selector such as "=", which the generic code treats as an empty selector. A mistake in a selector must not delete a
// whole collection.
func CheckListOptions(ctx context.Context, options *metainternalversion.ListOptions) error {
	if options == nil {
		return nil
	}
	if options.Limit < 0 {
		return apierrors.NewBadRequest(fmt.Sprintf("limit %d must not be negative", options.Limit))
	}
	if err := checkSeconds("timeoutSeconds", options.TimeoutSeconds, 0); err != nil {
		return err
	}
	info, ok := request.RequestInfoFrom(ctx)
	if !ok {
		return nil
	}
	if info.FieldSelector != "" && (options.FieldSelector == nil || options.FieldSelector.Empty()) {
		return apierrors.NewBadRequest(fmt.Sprintf("the field selector %q selects by no field", info.FieldSelector))
	}
	if info.LabelSelector != "" && (options.LabelSelector == nil || options.LabelSelector.Empty()) {
		return apierrors.NewBadRequest(fmt.Sprintf("the label selector %q selects by no label", info.LabelSelector))
	}
	return nil
}

// checkDeleteOptions refuses a grace period that overflows to a time in the past. It allows a negative one, which
// Kubernetes treats as one second.
func checkDeleteOptions(options *metav1.DeleteOptions) error {
	if options == nil {
		return nil
	}
	return checkSeconds("gracePeriodSeconds", options.GracePeriodSeconds, math.MinInt64)
}

// checkSeconds refuses a number of seconds that is too small or too large.
func checkSeconds(parameter string, seconds *int64, least int64) error {
	switch {
	case seconds == nil:
		return nil
	case *seconds < least:
		return apierrors.NewBadRequest(fmt.Sprintf("%s %d must not be below %d", parameter, *seconds, least))
	case *seconds > maxSeconds:
		return apierrors.NewBadRequest(fmt.Sprintf("%s %d must not be above %d", parameter, *seconds, maxSeconds))
	}
	return nil
}

// checkCollectionPath refuses the deletion of a collection by a path that ends with a slash. It is the path of an
// object with an empty name, which a script sends when its variable for the name is empty.
func checkCollectionPath(ctx context.Context) error {
	if info, ok := request.RequestInfoFrom(ctx); ok && strings.HasSuffix(info.Path, "/") {
		return apierrors.NewBadRequest("the name of the object to delete is empty: the path of a collection must not end with a slash")
	}
	return nil
}
