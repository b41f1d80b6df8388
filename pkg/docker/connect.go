// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types"
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
	// versionTimeout is how long all else waits for an engine to tell its release.
	versionTimeout = 3 * time.Second
)

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
	// group is what runs for the connection, and ends with ctx.
	group sync.WaitGroup

	client    *client.Client
	transport *http.Transport
	headers   map[string]string
	// version is what the engine had told when it connected.
	version Version
	// listsParents is set where all images are listed, also those that only serve as parents.
	listsParents atomic.Bool
	isPodman     bool
	// read is set once a kind has been read.
	read atomic.Bool

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

// hidesParents reports whether the engine may leave images out of its list that only serve as parents. Where the engine has
// not told, it may: then its list says which images to show, which is right for all engines, and slow for some.
func (c *connection) hidesParents() bool { return !c.listsParents.Load() }

// connect finds out whether the engine answers, and which version of the API to speak with it.
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
	ping, err := c.negotiate(ctx)
	if err != nil {
		return nil, err
	}
	c.version = Version{Product: dockerEngine, API: docker.ClientVersion(), OS: ping.OSType}
	speaks := ping.APIVersion
	// Nobody must do without the rest because of a release that is not told. An engine that is not known for Podman is read
	// as Docker's: if its event log then shows nothing, the first fence notices.
	switch version, err := c.askVersion(ctx); {
	case err == nil:
		speaks = version.APIVersion
		c.version.learn(version)
		c.isPodman = c.version.Product == podman
	case !isRefused(err) && !errdefs.IsInternal(err) && (!errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil):
		return nil, err
	}
	if versions.LessThan(speaks, oldestAPI) {
		return nil, &notApplicableError{c.version, speaks}
	}
	return c, nil
}

// negotiate settles the version of the API.
func (c *connection) negotiate(ctx context.Context) (types.Ping, error) {
	ping, err := c.client.Ping(ctx)
	if isRefused(err) {
		var version types.Version
		version, err = c.unversionedVersion(ctx)
		ping = types.Ping{APIVersion: version.APIVersion, OSType: version.Os}
	}
	if err != nil {
		return ping, err
	}
	c.client.NegotiateAPIVersionPing(ping)
	return ping, nil
}

// unversionedVersion asks for the engine's version before it is known which version of the API it speaks.
func (c *connection) unversionedVersion(ctx context.Context) (types.Version, error) {
	response, err := c.getUnversioned(ctx, "/version", nil)
	if err != nil {
		return types.Version{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return types.Version{}, fmt.Errorf("it tells its API version neither by /_ping nor by /version: %s", response.Status)
	}
	var version types.Version
	if err := json.NewDecoder(response.Body).Decode(&version); err != nil {
		return types.Version{}, fmt.Errorf("reading its version: %w", err)
	}
	return version, nil
}

func (c *connection) askVersion(ctx context.Context) (types.Version, error) {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	return c.client.ServerVersion(ctx)
}

// learn takes in what the engine has told of itself.
func (v *Version) learn(told types.Version) {
	v.Engine, v.OS, v.Architecture = told.Version, told.Os, told.Arch
	for _, component := range told.Components {
		if component.Name == podman {
			v.Product = podman
		}
	}
}

// describe finds out what only describes the engine, which nothing waits for. What the engine refuses is asked for again until
// ctx ends.
func (e *Engine) describe(ctx context.Context, c *connection) {
	version, backoff := c.version, e.backoff
	for attempt := 0; ; attempt++ {
		err := c.complete(ctx, &version)
		if ctx.Err() != nil {
			return
		}
		e.describeAs(version)
		if err == nil {
			return
		}
		if attempt == 0 {
			klog.FromContext(ctx).Info("The container engine does not describe itself: the server keeps asking", "reason", dockerWords(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(backoff.Step()):
		}
	}
}

// complete asks for what of the version is missing.
func (c *connection) complete(ctx context.Context, version *Version) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if version.Engine == "" {
		told, err := c.client.ServerVersion(ctx)
		if err != nil {
			return err
		}
		version.learn(told)
	}
	info, err := c.client.Info(ctx)
	if err != nil {
		return err
	}
	version.StorageDriver = info.Driver
	for _, pair := range info.DriverStatus {
		if pair[1] == containerdStore {
			c.listsParents.Store(true)
		}
	}
	return nil
}

// isAlive asks for a sign of life.
func (c *connection) isAlive(ctx context.Context) error {
	_, err := c.client.Ping(ctx)
	if isRefused(err) {
		_, err = c.client.ServerVersion(ctx)
	}
	if isRefused(err) {
		return nil // who refuses is there, and the event stream tells of an engine behind it
	}
	return err
}

// isRefused reports whether err is the answer of an engine, or of a filter before it, that does not take the request.
func isRefused(err error) bool {
	return errdefs.IsPermissionDenied(err) || errdefs.IsUnauthorized(err) || errdefs.IsNotFound(err) || errdefs.IsInvalidArgument(err) ||
		errdefs.IsNotImplemented(err)
}
