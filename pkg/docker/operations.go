// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// operate makes a call that changes something. It waits for the call until the request ends.
func (e *Engine) operate(ctx context.Context, verb string, resource schema.GroupResource, name string, call func(context.Context, *connection) error) error {
	return e.outlive(ctx, verb, resource, name, func(ctx context.Context) error {
		c, err := e.current()
		if err != nil {
			return err
		}
		return call(ctx, c)
	})
}

// outlive makes a call that continues when its request ends. If the call were cancelled half way, its effect would be
// unknown.
func (e *Engine) outlive(ctx context.Context, verb string, resource schema.GroupResource, name string, call func(context.Context) error) error {
	done := make(chan error, 1)
	if err := e.spawn(ctx, func(ctx context.Context) { done <- call(ctx) }); err != nil {
		return err
	}
	select {
	case err := <-done:
		return apiError(verb, resource, name, e.orUnavailable(err))
	case <-ctx.Done():
		// Give no time to retry after: clients would retry by themselves, and must not make a restart twice, for
		// example.
		return apierrors.NewTimeoutError(fmt.Sprintf("Docker did not answer in time to %s %s %q. It goes on: get it later to see the outcome", verb, resource.Resource, name), 0)
	}
}

// spawn starts a call in a goroutine. The call ends with Run, and not with ctx.
func (e *Engine) spawn(ctx context.Context, call func(context.Context)) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.operationsCtx.Err() != nil {
		return unavailable("the server is shutting down")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), operationTimeout)
	stop := context.AfterFunc(e.operationsCtx, cancel)
	e.operations.Go(func() {
		defer cancel()
		defer stop()
		call(ctx)
	})
	return nil
}

// endCalls cancels the calls that spawn started and waits for their end. After it, spawn starts no more calls.
func (e *Engine) endCalls() {
	e.mu.Lock()
	e.endOperations()
	e.mu.Unlock()
	e.operations.Wait()
}
