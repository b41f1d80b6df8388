// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/klog/v2"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/batcher"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/engines"
)

// session is the time in which one connection serves an engine.
type session struct {
	connection *connection.Connection
	// group has the goroutines of the session. They end with the connection.
	group sync.WaitGroup
	// read is true once a kind has been read.
	read atomic.Bool

	feed  *feed
	fence *batcher.Batcher[struct{}]
	// fenceTimeout bounds a whole fence: reading the event log, and waiting until the stream has brought the same
	// events.
	fenceTimeout time.Duration
	// logFails is true once the event log has not shown an event that the stream has brought.
	logFails atomic.Bool
}

func (e *Engine) newSession(c *connection.Connection) *session {
	s := &session{connection: c, feed: newFeed(e.hear), fenceTimeout: e.fenceTimeout}
	s.fence = batcher.New(s.readLog)
	return s
}

// serve connects to the engine, and serves it until the connection is lost. It reports whether a kind was read.
func (e *Engine) serve(ctx context.Context) (read bool, err error) {
	c, err := connection.Connect(ctx, e.endpoint, e.Version(), e.pingTimeout)
	if err != nil {
		return false, err
	}
	defer c.Close()
	ctx = c.Context()
	s := e.newSession(c)

	// Open the stream before the first listing, so that no change is missed. Ask for the whole log first, because the
	// answer does not say from which instant on the stream is open.
	since := url.Values{"since": {"1"}}
	if c.IsPodman() {
		since = nil
	}
	stream, err := s.events(ctx, since)
	if err != nil {
		return false, err
	}
	defer s.group.Wait()
	s.group.Go(func() {
		defer stream.Close()
		c.Fail(s.follow(stream))
	})
	s.group.Go(func() { c.Fail(e.pingUntilLost(ctx, c)) })

	// The order matters to CheckRead: the kinds are being read before the engine counts as connected.
	e.engines.Connected(c.Version())
	defer e.use(s)()
	klog.FromContext(ctx).Info("Connected to the container engine", "endpoint", e.Endpoint(), "version", c.Version().Engine, "api", c.Version().API)
	e.keepAll(ctx, s)
	s.group.Go(func() { e.describe(ctx, c) })
	<-ctx.Done()
	return s.read.Load(), context.Cause(ctx)
}

// follow reads the event stream until it ends.
func (s *session) follow(stream io.Reader) error {
	err := eachLine(stream, s.feed.streamed)
	if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		return engines.ErrStreamEnded
	}
	return fmt.Errorf("reading its event stream: %w", err)
}

// pingUntilLost returns when the engine no longer answers pings. The connections alone may stay open.
func (e *Engine) pingUntilLost(ctx context.Context, c *connection.Connection) error {
	ticker := time.NewTicker(e.pingPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		ping, cancel := context.WithTimeout(ctx, e.pingTimeout)
		err := c.IsAlive(ping)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("it has not answered for %s", e.pingTimeout)
		} else if err != nil {
			return err
		}
	}
}

// describe asks for the details that only describe the engine. Nothing waits for them. If the engine refuses, describe
// asks again until ctx ends. If the engine is another product than the connection was made for, describe ends the
// connection: the next one is made for the right product.
func (e *Engine) describe(ctx context.Context, c *connection.Connection) {
	version, backoff := c.Version(), e.backoff
	for attempt := 0; ; attempt++ {
		err := c.Complete(ctx, &version)
		if ctx.Err() != nil {
			return
		}
		e.describeAs(version)
		if version.Product != c.Version().Product {
			c.Fail(fmt.Errorf("it has only now said that it is a %s", version.Product))
			return
		}
		if err == nil {
			return
		}
		if attempt == 0 {
			klog.FromContext(ctx).Info("The container engine does not describe itself: the server keeps asking", "reason", connection.Words(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(backoff.Step()):
		}
	}
}
