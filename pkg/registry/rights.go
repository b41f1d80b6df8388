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
	"k8s.io/apiserver/pkg/endpoints/request"
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
		refusal := because(fmt.Errorf("it needs the verb %s", verb), reason)
		return apierrors.NewForbidden(resource, asked.GetName(), errors.Join(refusal, err))
	}
	return nil
}

// RequireGet refuses the request of ctx unless its user may get the object that wanted names. The request itself asks for
// something else. wanted needs neither a user nor a verb.
func RequireGet(ctx context.Context, rights authorizer.UnconditionalAuthorizer, wanted authorizer.AttributesRecord) error {
	resource := schema.GroupResource{Group: wanted.APIGroup, Resource: wanted.Resource}
	if wanted.Subresource != "" {
		resource.Resource += "/" + wanted.Subresource
	}
	user, found := request.UserFrom(ctx)
	if !found {
		return apierrors.NewUnauthorized(fmt.Sprintf("%s are for users of the server only", resource))
	}
	wanted.User, wanted.Verb, wanted.ResourceRequest = user, "get", true
	decision, reason, err := rights.Authorize(ctx, wanted)
	if decision == authorizer.DecisionAllow {
		return nil
	}
	if err != nil {
		return apierrors.NewInternalError(fmt.Errorf("asking whether %s may get %s %q: %w", user.GetName(), resource, wanted.Name, err))
	}
	return apierrors.NewForbidden(resource, wanted.Name, because(fmt.Errorf("user %q may not get it", user.GetName()), reason))
}

// because adds the reason of an authorizer to a refusal. The reason may be empty.
func because(refusal error, reason string) error {
	if reason == "" {
		return refusal
	}
	return fmt.Errorf("%w: %s", refusal, reason)
}

// withVerb are the attributes of a request with another verb.
type withVerb struct {
	authorizer.Attributes
	verb string
}

// GetVerb implements authorizer.Attributes.
func (w withVerb) GetVerb() string { return w.verb }
