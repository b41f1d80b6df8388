// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"fmt"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// Object is an API object with metadata.
type Object interface {
	runtime.Object
	metav1.Object
}

// findTimeout bounds the search for the object of a subresource. Requests for streams have no time limit of their own.
const findTimeout = 30 * time.Second

// Owner finds the objects that a subresource belongs to.
type Owner[T Object] struct{ objects rest.Getter }

// NewOwner returns the owner of subresources of the objects.
func NewOwner[T Object](objects rest.Getter) *Owner[T] { return &Owner[T]{objects} }

// Find returns the object with that name or ID as it is now.
func (o *Owner[T]) Find(ctx context.Context, name string) (found T, err error) {
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	object, err := o.objects.Get(ctx, name, &metav1.GetOptions{})
	if err != nil {
		return found, err
	}
	found, ok := Ordinary(object).(T)
	if !ok {
		return found, apierrors.NewInternalError(fmt.Errorf("%q is a %T", name, object))
	}
	return found, nil
}

// BeginLog begins an answer that has the type contentType and that may go on for hours.
func BeginLog(w http.ResponseWriter, contentType string) {
	// The deadline is that for the body of the request. The recorders of tests have none.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	w.Header().Set("Content-Type", contentType)
	// Containers and registries decide what is in their logs. Browsers must not take it for a web page.
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
}

// A Command is a subresource that can only be created. Its creation has something done once, and is answered with a
// Status. T is the object, and B is the body.
type Command[T, B Object] struct {
	Owner *Owner[T]
	// Resource is the resource that the subresource belongs to.
	Resource string
	// Kind is the kind of the body.
	Kind string
	// NewBody returns an empty body.
	NewBody func() B
	// Validate returns the errors of a body.
	Validate func(body B) field.ErrorList
	// Do carries out the command.
	Do func(ctx context.Context, object T, body B) error
}

// New implements rest.Storage.
func (c *Command[T, B]) New() runtime.Object { return c.NewBody() }

// Destroy implements rest.Storage.
func (c *Command[T, B]) Destroy() {}

// Create implements rest.NamedCreater.
func (c *Command[T, B]) Create(ctx context.Context, name string, obj runtime.Object, admit rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	ctx, cancel := withTimeToAnswer(ctx)
	defer cancel()
	body, ok := obj.(B)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the body is a %T: it must be a %s", obj, c.Kind))
	}
	if given := body.GetName(); given != "" && given != name {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("metadata.name %q of the %s is not %q, the name in the path", given, c.Kind, name))
	}
	if errs := c.Validate(body); len(errs) > 0 {
		return nil, apierrors.NewInvalid(v1alpha1.Kind(c.Kind), name, errs)
	}
	object, err := c.Owner.Find(ctx, name)
	if err != nil {
		return nil, err
	}
	if admit != nil {
		if err := admit(ctx, body.DeepCopyObject()); err != nil {
			return nil, err
		}
	}
	if len(options.DryRun) == 0 {
		if err := c.Do(ctx, object, body); err != nil {
			return nil, err
		}
	}
	return &metav1.Status{Status: metav1.StatusSuccess, Details: &metav1.StatusDetails{
		Name: object.GetName(), Group: v1alpha1.GroupName, Kind: c.Resource, UID: object.GetUID(),
	}}, nil
}
