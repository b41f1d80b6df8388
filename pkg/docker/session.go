// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"k8s.io/klog/v2"
)

// errStreamEnded says that the engine closed its event stream, as it does when it is stopped.
var errStreamEnded = errors.New("its event stream ended")

// session connects to the engine, and serves it until the connection is lost. It reports whether a kind was read.
func (e *Engine) session(ctx context.Context) (read bool, err error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	c, err := e.connect(ctx, fail)
	if err != nil {
		return false, err
	}
	defer c.transport.CloseIdleConnections()

	// Open the stream before the first listing, so that no change is missed. Ask for the whole log first, because the
	// answer does not say from which instant on the stream is open.
	since := url.Values{"since": {"1"}}
	if c.isPodman() {
		since = nil
	}
	stream, err := c.events(ctx, since)
	if err != nil {
		return false, err
	}
	defer c.group.Wait()
	c.group.Go(func() {
		defer stream.Close()
		fail(c.follow(stream))
	})
	c.group.Go(func() { fail(e.pingUntilLost(ctx, c)) })

	// The order matters to CheckRead: the kinds are being read before the engine counts as connected.
	e.engines.connected(c.version)
	e.use(c)
	defer e.use(nil)
	klog.FromContext(ctx).Info("Connected to the container engine", "endpoint", e.Endpoint(), "version", c.version.Engine, "api", c.version.API)
	e.keepAll(ctx, c)
	c.group.Go(func() { e.describe(ctx, c) })
	<-ctx.Done()
	return c.read.Load(), context.Cause(ctx)
}

// follow reads the event stream until it ends.
func (c *connection) follow(stream io.Reader) error {
	err := eachLine(stream, c.feed.streamed)
	if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		return errStreamEnded
	}
	return fmt.Errorf("reading its event stream: %w", err)
}

// pingUntilLost returns when the engine no longer answers pings. The connections alone may stay open.
func (e *Engine) pingUntilLost(ctx context.Context, c *connection) error {
	ticker := time.NewTicker(e.pingPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		ping, cancel := context.WithTimeout(ctx, e.pingTimeout)
		err := c.isAlive(ping)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("it has not answered for %s", e.pingTimeout)
		} else if err != nil {
			return err
		}
	}
}
