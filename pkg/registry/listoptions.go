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

// maxSeconds is how many seconds a time.Duration can hold. More of them would be taken for a time in the past.
const maxSeconds = int64(math.MaxInt64 / time.Second)

// CheckListOptions refuses options that the generic code takes for something else: negative and endless numbers, and a
// selector such as "=", which it takes for everything. A mistake in a selector must not delete a whole collection.
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

// checkDeleteOptions refuses a grace period that would end in the past. Kubernetes takes a negative one for a second.
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

// checkCollectionPath refuses to delete a collection by the path of an object whose name is empty, as a script sends it
// that has lost the name.
func checkCollectionPath(ctx context.Context) error {
	if info, ok := request.RequestInfoFrom(ctx); ok && strings.HasSuffix(info.Path, "/") {
		return apierrors.NewBadRequest("the name of what is to be deleted is empty: the path of a collection does not end with a slash")
	}
	return nil
}
