// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package builtin

import (
	"context"
	"errors"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
)

// review is the REST storage of a kind of review. Users create reviews about themselves. The server answers a review
// and does not keep it.
type review[T runtime.Object] struct {
	kind    string
	newFunc func() T
	// answer fills in the status.
	answer func(ctx context.Context, who user.Info, review T) error
}

var (
	_ rest.Storage              = &review[runtime.Object]{}
	_ rest.Scoper               = &review[runtime.Object]{}
	_ rest.Creater              = &review[runtime.Object]{}
	_ rest.SingularNameProvider = &review[runtime.Object]{}
)

// New implements rest.Storage.
func (r *review[T]) New() runtime.Object { return r.newFunc() }

// Destroy implements rest.Storage.
func (r *review[T]) Destroy() {}

// NamespaceScoped implements rest.Scoper.
func (r *review[T]) NamespaceScoped() bool { return false }

// GetSingularName implements rest.SingularNameProvider.
func (r *review[T]) GetSingularName() string { return strings.ToLower(r.kind) }

// Create implements rest.Creater.
func (r *review[T]) Create(ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, _ *metav1.CreateOptions) (runtime.Object, error) {
	asked, ok := obj.(T)
	if !ok {
		return nil, apierrors.NewBadRequest("the object is not a " + r.kind)
	}
	who, ok := request.UserFrom(ctx)
	if !ok {
		return nil, apierrors.NewInternalError(errors.New("the request has no user"))
	}
	if validate != nil {
		if err := validate(ctx, obj.DeepCopyObject()); err != nil {
			return nil, err
		}
	}
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return nil, err
	}
	accessor.SetManagedFields(nil) // an object that is not kept has no managers
	return obj, r.answer(ctx, who, asked)
}

// newSelfSubjectReview returns the storage of SelfSubjectReviews: who is the user?
func newSelfSubjectReview() rest.Storage {
	return &review[*authenticationv1.SelfSubjectReview]{
		kind:    "SelfSubjectReview",
		newFunc: func() *authenticationv1.SelfSubjectReview { return &authenticationv1.SelfSubjectReview{} },
		answer: func(_ context.Context, who user.Info, review *authenticationv1.SelfSubjectReview) error {
			info := authenticationv1.UserInfo{Username: who.GetName(), UID: who.GetUID(), Groups: who.GetGroups()}
			for key, values := range who.GetExtra() {
				if info.Extra == nil {
					info.Extra = map[string]authenticationv1.ExtraValue{}
				}
				info.Extra[key] = values
			}
			review.Status = authenticationv1.SelfSubjectReviewStatus{UserInfo: info}
			return nil
		},
	}
}

// newSelfSubjectAccessReview returns the storage of SelfSubjectAccessReviews: may the user do one thing?
func newSelfSubjectAccessReview(by authorizer.Authorizer) rest.Storage {
	return &review[*authorizationv1.SelfSubjectAccessReview]{
		kind:    "SelfSubjectAccessReview",
		newFunc: func() *authorizationv1.SelfSubjectAccessReview { return &authorizationv1.SelfSubjectAccessReview{} },
		answer: func(ctx context.Context, who user.Info, review *authorizationv1.SelfSubjectAccessReview) error {
			attributes, err := attributesOf(who, review.Spec)
			if err != nil {
				return err
			}
			decision, reason, err := by.Authorize(ctx, attributes)
			review.Status = authorizationv1.SubjectAccessReviewStatus{
				Allowed: decision == authorizer.DecisionAllow,
				Denied:  decision == authorizer.DecisionDeny,
				Reason:  reason,
			}
			if err != nil {
				review.Status.EvaluationError = err.Error()
			}
			return nil
		},
	}
}

// attributesOf returns what the user asks about. It leaves out selectors, because the server's authorizer ignores them.
func attributesOf(who user.Info, spec authorizationv1.SelfSubjectAccessReviewSpec) (authorizer.Attributes, error) {
	resource, path := spec.ResourceAttributes, spec.NonResourceAttributes
	switch {
	case resource != nil && path == nil:
		return authorizer.AttributesRecord{
			User:            who,
			Verb:            resource.Verb,
			Namespace:       resource.Namespace,
			APIGroup:        resource.Group,
			APIVersion:      resource.Version,
			Resource:        resource.Resource,
			Subresource:     resource.Subresource,
			Name:            resource.Name,
			ResourceRequest: true,
		}, nil
	case path != nil && resource == nil:
		return authorizer.AttributesRecord{User: who, Verb: path.Verb, Path: path.Path}, nil
	}
	return nil, apierrors.NewInvalid(authorizationv1.SchemeGroupVersion.WithKind("SelfSubjectAccessReview").GroupKind(), "", field.ErrorList{
		field.Invalid(field.NewPath("spec"), nil, "must have either resourceAttributes or nonResourceAttributes"),
	})
}

// newSelfSubjectRulesReview returns the storage of SelfSubjectRulesReviews: what may the user do?
func newSelfSubjectRulesReview(by authorizer.RuleResolver) rest.Storage {
	return &review[*authorizationv1.SelfSubjectRulesReview]{
		kind:    "SelfSubjectRulesReview",
		newFunc: func() *authorizationv1.SelfSubjectRulesReview { return &authorizationv1.SelfSubjectRulesReview{} },
		answer: func(ctx context.Context, who user.Info, review *authorizationv1.SelfSubjectRulesReview) error {
			if review.Spec.Namespace == "" {
				return apierrors.NewBadRequest("spec.namespace must name the namespace to list the rules for")
			}
			resources, paths, incomplete, err := by.RulesFor(ctx, who, review.Spec.Namespace)
			// Clients expect both lists to be present.
			review.Status = authorizationv1.SubjectRulesReviewStatus{
				ResourceRules:    []authorizationv1.ResourceRule{},
				NonResourceRules: []authorizationv1.NonResourceRule{},
				Incomplete:       incomplete,
			}
			for _, rule := range resources {
				review.Status.ResourceRules = append(review.Status.ResourceRules, authorizationv1.ResourceRule{
					Verbs: rule.GetVerbs(), APIGroups: rule.GetAPIGroups(), Resources: rule.GetResources(), ResourceNames: rule.GetResourceNames(),
				})
			}
			for _, rule := range paths {
				review.Status.NonResourceRules = append(review.Status.NonResourceRules, authorizationv1.NonResourceRule{
					Verbs: rule.GetVerbs(), NonResourceURLs: rule.GetNonResourceURLs(),
				})
			}
			if err != nil {
				review.Status.EvaluationError = err.Error()
			}
			return nil
		},
	}
}
