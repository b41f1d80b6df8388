// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package source holds what the sources of all kinds share.
package source

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// Engine is what the sources of one engine share.
type Engine struct {
	// Client makes all calls to the engine.
	Client *connection.Client
	// Namespace is the Kubernetes namespace of the engine's objects.
	Namespace string
	// Events reads the engine's event log. It returns when every change that was complete before the call has been
	// reported to the sinks.
	Events func(context.Context) error
}

// Base is the part that is the same in the source of each kind. A kind's source embeds it and hides the methods that it
// has itself.
type Base struct {
	Engine
	// Sink receives the changes of the kind. SetSink sets it before the engine runs.
	Sink

	resource schema.GroupResource
}

// NewBase returns the base of a source of the resource.
func NewBase(engine Engine, resource schema.GroupResource) Base {
	return Base{Engine: engine, resource: resource}
}

// SetSink sets the sink that hears of changes. Call it before the engine runs.
func (b *Base) SetSink(sink Sink) { b.Sink = sink }

// Fence returns when every change that was complete before the call has been reported to the sink.
func (b *Base) Fence(ctx context.Context) error { return b.Events(ctx) }

// Create always fails: the API does not offer it.
func (b *Base) Create(context.Context, string, runtime.Object) (string, error) {
	return "", apierrors.NewMethodNotSupported(b.resource, "create")
}

// Update always fails: the API does not offer it.
func (b *Base) Update(context.Context, string, runtime.Object, runtime.Object) error {
	return apierrors.NewMethodNotSupported(b.resource, "update")
}

// Delete always fails: the API does not offer it.
func (b *Base) Delete(context.Context, string, runtime.Object) error {
	return apierrors.NewMethodNotSupported(b.resource, "delete")
}
