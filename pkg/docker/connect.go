// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"cmp"
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
	// containerdStore is the word in the engine's driver status that says that containerd keeps its images.
	containerdStore = "io.containerd.snapshotter.v1"
	dockerEngine    = "Docker Engine"
	podman          = "Podman Engine"
	// versionTimeout is how long a new connection waits for the engine to answer /version.
	versionTimeout = 3 * time.Second
)

// notApplicableError says why an engine that answers cannot be served.
type notApplicableError struct {
	version Version
	speaks  string
}

func (e *notApplicableError) Error() string {
	return fmt.Sprintf("it speaks Docker API %s, but the server needs %s (Docker 20.10) or newer", e.speaks, oldestAPI)
}

// connection is one connection to the engine, from connecting until it is lost.
type connection struct {
	ctx  context.Context
	fail context.CancelCauseFunc
	// group has the goroutines of the connection. They end with ctx.
	group sync.WaitGroup

	client    *client.Client
	transport *http.Transport
	headers   map[string]string
	// version is what the engine said about itself when it connected. describe may learn more later.
	version Version
	// listsParents is true if the engine's list has all images, including those that only serve as parents.
	listsParents atomic.Bool
	// newestAPI is the newest version of the API that the engine speaks. The server may speak an older one with it.
	newestAPI string
	// read is true once a kind has been read.
	read atomic.Bool

	feed  *feed
	fence *batcher[struct{}]
	// fenceTimeout bounds a whole fence: reading the event log, and waiting until the stream has brought the same
	// events.
	fenceTimeout time.Duration
	dangling     *batcher[map[string]bool]
	imageLists   *imageLists
	// logFails is true once the event log has not shown an event that the stream has brought.
	logFails atomic.Bool
}

func (c *connection) isPodman() bool { return c.version.Product == podman }

func (c *connection) fenced() bool { return !c.isPodman() && !c.logFails.Load() }

// hidesParents reports whether the engine may leave images out of its list that only serve as parents. It may, until it
// says otherwise. Then the list decides which images to show. That is right for every engine, but slow for some.
func (c *connection) hidesParents() bool { return !c.listsParents.Load() }

// connect checks that the engine answers, and finds the API version to speak with it.
func (e *Engine) connect(ctx context.Context, fail context.CancelCauseFunc) (*connection, error) {
	docker, transport, err := e.endpoint.client()
	if err != nil {
		return nil, err
	}
	c := &connection{ctx: ctx, fail: fail, client: docker, transport: transport, headers: e.endpoint.headers, feed: newFeed(e.mark), fenceTimeout: e.fenceTimeout}
	c.fence = &batcher[struct{}]{run: c.readLog}
	c.dangling = &batcher[map[string]bool]{run: c.listDangling}
	c.imageLists = newImageLists(c, e.images)

	ctx, cancel := context.WithTimeout(ctx, e.pingTimeout)
	defer cancel()
	ping, err := c.negotiate(ctx)
	if err != nil {
		return nil, err
	}
	c.version = Version{Product: cmp.Or(e.Version().Product, dockerEngine), API: docker.ClientVersion(), OS: ping.OSType}
	c.newestAPI = ping.APIVersion
	// An engine that does not tell its release is served all the same. It counts as what it last said that it is, and as
	// Docker before that. describe corrects this. If its event log shows nothing, the first fence notices.
	switch version, err := c.askVersion(ctx); {
	case err == nil:
		c.newestAPI = version.APIVersion
		c.version.learn(version)
	case !isRefused(err) && !errdefs.IsInternal(err) && (!errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil):
		return nil, err
	}
	if versions.LessThan(c.newestAPI, oldestAPI) {
		return nil, &notApplicableError{c.version, c.newestAPI}
	}
	return c, nil
}

// negotiate agrees with the engine on the version of the API.
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

// unversionedVersion asks for the engine's version without an API version in the path, because none is known yet.
func (c *connection) unversionedVersion(ctx context.Context) (types.Version, error) {
	response, err := c.getUnversioned(ctx, "/version", nil)
	if err != nil {
		return types.Version{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return types.Version{}, fmt.Errorf("neither its /_ping nor its /version tells the API version: %s", response.Status)
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

// learn takes over what the engine said about itself.
func (v *Version) learn(told types.Version) {
	v.Product, v.Engine, v.OS, v.Architecture = dockerEngine, told.Version, told.Os, told.Arch
	for _, component := range told.Components {
		if component.Name == podman {
			v.Product = podman
		}
	}
}

// describe asks for the details that only describe the engine. Nothing waits for them. If the engine refuses, describe
// asks again until ctx ends. If the engine is another product than the connection was made for, describe ends the
// connection: the next one is made for the right product.
func (e *Engine) describe(ctx context.Context, c *connection) {
	version, backoff := c.version, e.backoff
	for attempt := 0; ; attempt++ {
		err := c.complete(ctx, &version)
		if ctx.Err() != nil {
			return
		}
		e.describeAs(version)
		if version.Product != c.version.Product {
			c.fail(fmt.Errorf("it has only now said that it is a %s", version.Product))
			return
		}
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

// complete asks for the missing parts of version. It asks for each part, whatever becomes of the others.
func (c *connection) complete(ctx context.Context, version *Version) error {
	return errors.Join(c.completeVersion(ctx, version), c.completeInfo(ctx, version))
}

func (c *connection) completeVersion(ctx context.Context, version *Version) error {
	if version.Engine != "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	told, err := c.client.ServerVersion(ctx)
	if err == nil {
		version.learn(told)
	}
	return err
}

func (c *connection) completeInfo(ctx context.Context, version *Version) error {
	if version.StorageDriver != "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
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

// isAlive checks that the engine still answers.
func (c *connection) isAlive(ctx context.Context) error {
	_, err := c.client.Ping(ctx)
	if isRefused(err) {
		_, err = c.client.ServerVersion(ctx)
	}
	if isRefused(err) {
		return nil // something answers; if the engine behind a filter is gone, the event stream ends
	}
	return err
}

// isRefused reports whether err is an answer that refuses the request. It can come from the engine or from a filter
// before it.
func isRefused(err error) bool {
	return errdefs.IsPermissionDenied(err) || errdefs.IsUnauthorized(err) || errdefs.IsNotFound(err) || errdefs.IsInvalidArgument(err) ||
		errdefs.IsNotImplemented(err)
}
