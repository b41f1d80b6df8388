// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apiserver/pkg/endpoints/request"
)

// checkListOptions refuses what the generic code takes for everything: a negative limit, and a selector such as "=". A
// mistake in a selector must not delete a whole collection.
func checkListOptions(ctx context.Context, options *metainternalversion.ListOptions) error {
	if options == nil {
		return nil
	}
	if options.Limit < 0 {
		return apierrors.NewBadRequest(fmt.Sprintf("limit %d must not be negative", options.Limit))
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

// checkCollectionPath refuses to delete a collection by the path of an object whose name is empty, as a script sends it
// that has lost the name.
func checkCollectionPath(ctx context.Context) error {
	if info, ok := request.RequestInfoFrom(ctx); ok && strings.HasSuffix(info.Path, "/") {
		return apierrors.NewBadRequest("the name of what is to be deleted is empty: the path of a collection does not end with a slash")
	}
	return nil
}
