// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"slices"

	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apiserver/pkg/endpoints/request"
)

// namespaceControllers are the users that delete the content of a Namespace that is being deleted.
var namespaceControllers = []string{"system:serviceaccount:kube-system:namespace-controller", "system:kube-controller-manager"}

// IsNamespaceController reports whether a user of that name deletes the content of Namespaces.
func IsNamespaceController(name string) bool { return slices.Contains(namespaceControllers, name) }

// removable returns the options of a list without the objects that Docker never removes.
func (r Resource) removable(options *metainternalversion.ListOptions) *metainternalversion.ListOptions {
	if len(r.Permanent) == 0 {
		return options
	}
	result := &metainternalversion.ListOptions{}
	if options != nil {
		result = options.DeepCopy()
	}
	var selectors []fields.Selector
	if result.FieldSelector != nil {
		selectors = append(selectors, result.FieldSelector)
	}
	for _, name := range r.Permanent {
		selectors = append(selectors, fields.OneTermNotEqualSelector("metadata.name", name))
	}
	result.FieldSelector = fields.AndSelectors(selectors...)
	return result
}

// listed returns the options of a list for the user who asks. The controller of Namespaces does not see the objects that
// Docker never removes: it would wait for their end forever.
func (r Resource) listed(ctx context.Context, options *metainternalversion.ListOptions) *metainternalversion.ListOptions {
	if user, ok := request.UserFrom(ctx); ok && IsNamespaceController(user.GetName()) {
		return r.removable(options)
	}
	return options
}
