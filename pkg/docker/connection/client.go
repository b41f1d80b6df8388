// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	// ReadTimeout bounds a request that only reads, unless it lists.
	ReadTimeout = 10 * time.Second
	// ListTimeout is longer than Docker waits for a volume plugin that does not answer. Docker then lists without that
	// plugin.
	ListTimeout      = 2 * time.Minute
	operationTimeout = 15 * time.Minute
)

// Client makes the calls to one engine. Each call uses the connection that the engine has at that time.
type Client struct {
	// InspectTimeout is how long Docker may take to inspect one object.
	InspectTimeout time.Duration

	endpoint *Endpoint

	// operations are the calls that Spawn has started. They end with EndCalls, and not with the requests that asked for
	// them.
	operations    sync.WaitGroup
	operationsCtx context.Context
	endOperations context.CancelFunc

	mu      sync.Mutex
	current *Connection
	err     error // why the engine does not answer
}

// NewClient returns a client without a connection.
func NewClient(endpoint *Endpoint) *Client {
	c := &Client{
		InspectTimeout: ReadTimeout,
		endpoint:       endpoint,
		err:            fmt.Errorf("not yet connected to the container engine at %s", endpoint),
	}
	c.operationsCtx, c.endOperations = context.WithCancel(context.Background())
	return c
}

// Access returns how much of the engine the server may use.
func (c *Client) Access() Access { return c.endpoint.access }

// EngineIsHere reports whether the engine shares the networks of this host.
func (c *Client) EngineIsHere() bool { return c.endpoint.isHere() }

// EngineHost returns the name of the engine's host.
func (c *Client) EngineHost() string { return c.endpoint.hostName() }

// Use makes connection the connection for all calls.
func (c *Client) Use(connection *Connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current, c.err = connection, nil
}

// Drop makes all calls fail until the next Use.
func (c *Client) Drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = nil
	if c.err == nil {
		c.err = errors.New("the connection to the container engine was lost")
	}
}

// SetError sets why the engine does not answer. It reports whether that is news.
func (c *Client) SetError(err error) (isNew bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	isNew = c.err == nil || c.err.Error() != err.Error()
	c.err = err
	return isNew
}

// Check returns why the engine does not answer, or nil if it answers.
func (c *Client) Check() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Current returns the connection. If there is none, it returns the API error that says why.
func (c *Client) Current() (*Connection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil {
		return nil, Unavailable(c.err.Error())
	}
	return c.current, nil
}

// Read makes a call that changes nothing. The call ends with ctx, with the connection, or after the timeout.
func (c *Client) Read(ctx context.Context, timeout time.Duration, call func(context.Context, *Connection) error) error {
	current, err := c.Current()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer context.AfterFunc(current.ctx, cancel)()
	if err = call(ctx, current); err != nil {
		return c.explainLoss(current, err)
	}
	return nil
}

// explainLoss returns the API error for err if the connection was lost, and any other error as it is.
func (c *Client) explainLoss(current *Connection, err error) error {
	if current.ctx.Err() != nil {
		return c.Explain(context.Cause(current.ctx))
	}
	return c.OrUnavailable(err)
}

// Explain returns the API error for a lost connection. It says what is wrong and how to fix it.
func (c *Client) Explain(err error) error { return Unavailable(c.endpoint.Explain(err).Error()) }

// OrUnavailable returns err. If the connection was lost, it returns an API error that explains that.
func (c *Client) OrUnavailable(err error) error {
	if isConnectionLost(err) {
		return connectionLost(c.endpoint.Explain(err).Error(), err)
	}
	return err
}

// Operate makes a call that changes something. It waits for the call until the request ends.
func (c *Client) Operate(ctx context.Context, verb string, resource schema.GroupResource, name string, call func(context.Context, *Connection) error) error {
	return c.Outlive(ctx, verb, resource, name, func(ctx context.Context) error {
		current, err := c.Current()
		if err != nil {
			return err
		}
		return call(ctx, current)
	})
}

// Outlive makes a call that continues when its request ends. If the call were cancelled half way, its effect would be
// unknown.
func (c *Client) Outlive(ctx context.Context, verb string, resource schema.GroupResource, name string, call func(context.Context) error) error {
	done := make(chan error, 1)
	if err := c.Spawn(ctx, func(ctx context.Context) { done <- call(ctx) }); err != nil {
		return err
	}
	select {
	case err := <-done:
		return APIError(verb, resource, name, c.OrUnavailable(err))
	case <-ctx.Done():
		// Give no time to retry after: clients would retry by themselves, and must not make a restart twice, for
		// example.
		return apierrors.NewTimeoutError(fmt.Sprintf("Docker did not answer in time to %s %s %q. It goes on: get it later to see the outcome", verb, resource.Resource, name), 0)
	}
}

// Spawn starts a call in a goroutine. The call ends with EndCalls, and not with ctx.
func (c *Client) Spawn(ctx context.Context, call func(context.Context)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.operationsCtx.Err() != nil {
		return Unavailable("the server is shutting down")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), operationTimeout)
	stop := context.AfterFunc(c.operationsCtx, cancel)
	c.operations.Go(func() {
		defer cancel()
		defer stop()
		call(ctx)
	})
	return nil
}

// EndCalls cancels the calls that Spawn started and waits for their end. After it, Spawn starts no more calls.
func (c *Client) EndCalls() {
	c.mu.Lock()
	c.endOperations()
	c.mu.Unlock()
	c.operations.Wait()
}

// ListError returns the API error for a failed list of a whole kind. It names no object, because none is at fault.
func (c *Client) ListError(resource schema.GroupResource, err error) error {
	status := apierrors.APIStatus(nil)
	switch {
	case err == nil, errors.As(err, &status):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("no answer within %s", ListTimeout)
	}
	return Unavailable(fmt.Sprintf("the %s of the container engine at %s cannot be listed: %s", resource.Resource, c.endpoint, Words(err)))
}
