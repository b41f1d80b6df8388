// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/filters"
)

// RequireVerbs refuses the request of ctx unless its user has all of the verbs for what it asks for. The method of a request
// for a stream says nothing about what it does: WebSocket always asks by GET, and SPDY mostly by POST.
func RequireVerbs(ctx context.Context, rights authorizer.Authorizer, verbs ...string) error {
	if rights == nil {
		return nil // A server without rights asks nobody about other requests either.
	}
	asked, err := filters.GetAuthorizerAttributes(ctx)
	if err != nil {
		return apierrors.NewInternalError(fmt.Errorf("finding out what a request asks for: %w", err))
	}
	for _, verb := range verbs {
		decision, reason, err := rights.Authorize(ctx, withVerb{asked, verb})
		if decision == authorizer.DecisionAllow {
			continue
		}
		resource := schema.GroupResource{Group: asked.GetAPIGroup(), Resource: asked.GetResource() + "/" + asked.GetSubresource()}
		refusal := fmt.Errorf("it needs the verb %s", verb)
		if reason != "" {
			refusal = fmt.Errorf("%w: %s", refusal, reason)
		}
		return apierrors.NewForbidden(resource, asked.GetName(), errors.Join(refusal, err))
	}
	return nil
}

// withVerb are the attributes of a request with another verb.
type withVerb struct {
	authorizer.Attributes
	verb string
}

// GetVerb implements authorizer.Attributes.
func (w withVerb) GetVerb() string { return w.verb }
