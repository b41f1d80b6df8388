// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
	"github.com/rancher-sandbox/engine-apiserver/pkg/streaming"
)

// Streams is what the subresources share whose requests become sessions.
type Streams struct {
	Sessions *streaming.Sessions
	// Rights decides who may have a session.
	Rights authorizer.Authorizer
}

// target is the container of a session. Errors call it by name.
type target struct{ id, name string }

// Stream is a subresource whose requests become sessions. O is the type of its options.
type Stream[O runtime.Object] struct {
	owner   *registry.Owner[*v1alpha1.Container]
	streams Streams
	// kind is the kind of the options.
	kind       string
	newOptions func() O
	validate   func(options O) field.ErrorList
	// serve serves a request. It returns an error if it has not answered the request.
	serve func(w http.ResponseWriter, r *http.Request, of target, options O) error
}

var _ rest.Connecter = &Stream[*v1alpha1.ContainerExecOptions]{}

// New implements rest.Storage.
func (s *Stream[O]) New() runtime.Object { return s.newOptions() }

// Destroy implements rest.Storage.
func (s *Stream[O]) Destroy() {}

// ConnectMethods implements rest.Connecter.
func (s *Stream[O]) ConnectMethods() []string { return []string{http.MethodGet, http.MethodPost} }

// NewConnectOptions implements rest.Connecter.
func (s *Stream[O]) NewConnectOptions() (runtime.Object, bool, string) {
	return s.newOptions(), false, ""
}

// Connect implements rest.Connecter. Whoever may only get things must not have a session, although WebSocket asks for it by
// GET.
func (s *Stream[O]) Connect(ctx context.Context, name string, given runtime.Object, responder rest.Responder) (http.Handler, error) {
	options, ok := given.(O)
	if !ok {
		return nil, apierrors.NewInternalError(fmt.Errorf("the options are a %T instead of a %s", given, s.kind))
	}
	if err := registry.RequireVerbs(ctx, s.streams.Rights, "get", "create"); err != nil {
		return nil, err
	}
	if errs := s.validate(options); len(errs) > 0 {
		return nil, apierrors.NewInvalid(v1alpha1.Kind(s.kind), name, errs)
	}
	container, err := s.owner.Find(ctx, name)
	if err != nil {
		return nil, err
	}
	of := target{container.Status.ID, name}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.serve(w, r, of, options); err != nil {
			responder.Error(err)
		}
	}), nil
}
