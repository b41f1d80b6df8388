// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/client"
	"k8s.io/klog/v2"
)

const (
	oldestAPI = "1.41"
	// containerdStore is how an engine says that containerd keeps its images.
	containerdStore = "io.containerd.snapshotter.v1"
	dockerEngine    = "Docker Engine"
	podman          = "Podman Engine"
)

// errStreamEnded is how an engine that is stopped takes its leave.
var errStreamEnded = errors.New("its event stream ended")

// notApplicableError is why an engine that answers cannot be served.
type notApplicableError struct {
	version Version
	speaks  string
}

func (e *notApplicableError) Error() string {
	return fmt.Sprintf("it speaks Docker API %s, and %s (Docker 20.10) is the oldest that will do", e.speaks, oldestAPI)
}

// connection is the engine from one connect to the next loss.
type connection struct {
	ctx  context.Context
	fail context.CancelCauseFunc

	client    *client.Client
	transport *http.Transport
	headers   map[string]string
	version   Version
	// hidesParents is true where images that only serve as parents are not listed.
	hidesParents bool
	isPodman     bool

	feed  *feed
	fence *batcher[struct{}]
	// fenceTimeout bounds one read of the event log and the wait for the stream to come as far.
	fenceTimeout time.Duration
	dangling     *batcher[map[string]bool]
	imageLists   *batcher[map[string]imageNames]
	// logFails is set when the event log turns out not to show what the stream has shown.
	logFails atomic.Bool
}

func (c *connection) fenced() bool { return !c.isPodman && !c.logFails.Load() }

// connect asks the engine who it is.
func (e *Engine) connect(ctx context.Context, fail context.CancelCauseFunc) (*connection, error) {
	docker, transport, err := e.endpoint.client()
	if err != nil {
		return nil, err
	}
	c := &connection{ctx: ctx, fail: fail, client: docker, transport: transport, headers: e.endpoint.headers, feed: newFeed(e.mark), fenceTimeout: e.fenceTimeout}
	c.fence = &batcher[struct{}]{run: c.readLog}
	c.dangling = &batcher[map[string]bool]{run: c.listDangling}
	c.imageLists = (&imageLists{connection: c, images: e.images}).batcher()

	ctx, cancel := context.WithTimeout(ctx, e.pingTimeout)
	defer cancel()
	ping, err := docker.Ping(ctx)
	if err != nil {
		return nil, err
	}
	docker.NegotiateAPIVersionPing(ping)
	// Each runs programs of the engine's, which takes most of the time until anything is read.
	var info system.Info
	var infoErr error
	var asking sync.WaitGroup
	asking.Go(func() { info, infoErr = docker.Info(ctx) })
	version, err := docker.ServerVersion(ctx)
	asking.Wait()
	if err != nil {
		return nil, err
	}
	c.version = Version{Product: dockerEngine, Engine: version.Version, API: docker.ClientVersion(), OS: version.Os, Architecture: version.Arch}
	if versions.LessThan(version.APIVersion, oldestAPI) {
		return nil, &notApplicableError{c.version, version.APIVersion}
	}
	if infoErr != nil {
		return nil, infoErr
	}
	for _, component := range version.Components {
		if component.Name == podman {
			c.isPodman, c.version.Product = true, podman
		}
	}
	c.version.StorageDriver = info.Driver
	c.hidesParents = true
	for _, pair := range info.DriverStatus {
		if pair[1] == containerdStore {
			c.hidesParents = false
		}
	}
	return c, nil
}

// session is the engine from connect to loss. It reports whether everything had been read.
func (e *Engine) session(ctx context.Context) (synced bool, err error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	c, err := e.connect(ctx, fail)
	if err != nil {
		return false, err
	}
	defer c.transport.CloseIdleConnections()

	// The stream comes before the listing, and begins with the log: it is open at an instant that its answer does not
	// tell.
	since := url.Values{"since": {"1"}}
	if c.isPodman {
		since = nil
	}
	stream, err := c.events(ctx, since)
	if err != nil {
		return false, err
	}
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() {
		defer stream.Close()
		fail(c.follow(stream))
	})
	group.Go(func() { fail(e.pingUntilLost(ctx, c)) })

	e.use(c)
	defer e.use(nil)
	e.engines.connected(c.version)
	if err := e.resync(ctx); err != nil {
		fail(err)
		return false, context.Cause(ctx)
	}
	e.available(ctx)
	e.compareUntil(ctx)
	return true, context.Cause(ctx)
}

// follow reads the event stream until it ends.
func (c *connection) follow(stream io.Reader) error {
	err := eachLine(stream, c.feed.streamed)
	if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		return errStreamEnded
	}
	return fmt.Errorf("reading its event stream: %w", err)
}

// pingUntilLost notices an engine that no longer answers though its connections stand.
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
		_, err := c.client.Ping(ping)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("it has not answered for %s", e.pingTimeout)
		} else if err != nil {
			return err
		}
	}
}

// compareUntil compares with Docker kind after kind, each once in a period, until ctx ends.
func (e *Engine) compareUntil(ctx context.Context) {
	sinks := e.sinks()
	ticker := time.NewTicker(max(e.resyncPeriod/time.Duration(len(sinks)), 1))
	defer ticker.Stop()
	for i := 0; ; i = (i + 1) % len(sinks) {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := sinks[i].Resync(ctx); err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "The periodic comparison with the container engine failed")
		}
	}
}
