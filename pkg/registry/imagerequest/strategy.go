// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package imagerequest holds what ImagePullRequests and ImagePushRequests share.
package imagerequest

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// suffixLength is how many letters and digits end a name that is made of generateName.
const suffixLength = 5

// Strategy is the strategy of a kind of requests.
type Strategy[T registry.Object] struct {
	registry.Strategy
	// Status returns the status of a request.
	Status func(T) *v1alpha1.ImageRequestStatus
	// ValidateNew returns the errors of a new request.
	ValidateNew func(T) field.ErrorList
}

var _ rest.RESTCreateStrategy = Strategy[*v1alpha1.ImagePullRequest]{}

// GenerateName implements names.NameGenerator. It keeps all of base, which often names an image.
func (s Strategy[T]) GenerateName(base string) string { return base + rand.String(suffixLength) }

// PrepareForCreate implements rest.RESTCreateStrategy.
func (s Strategy[T]) PrepareForCreate(_ context.Context, object runtime.Object) {
	*s.Status(object.(T)) = v1alpha1.ImageRequestStatus{}
}

// Validate implements rest.RESTCreateStrategy.
func (s Strategy[T]) Validate(_ context.Context, object runtime.Object) field.ErrorList {
	request := object.(T)
	errs := s.ValidateNew(request)
	if len(request.GetFinalizers()) > 0 {
		errs = append(errs, field.Forbidden(field.NewPath("metadata", "finalizers"), "a request goes at once when it is deleted"))
	}
	return errs
}

// WarningsOnCreate implements rest.RESTCreateStrategy.
func (s Strategy[T]) WarningsOnCreate(context.Context, runtime.Object) []string { return nil }
