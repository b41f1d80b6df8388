// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package connection reaches one Docker Engine. It is the only package that opens connections to Docker. It holds the list
// of allowed requests, and makes errors of the Kubernetes API of the errors of Docker.
package connection

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/client"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/batcher"
)

const (
	oldestAPI = "1.41"
	// containerdStore is the word in the engine's driver status that says that containerd keeps its images.
	containerdStore = "io.containerd.snapshotter.v1"
	dockerEngine    = "Docker Engine"
	podman          = "Podman Engine"
	// versionTimeout is how long a new connection waits for the engine to answer /version.
	versionTimeout = 3 * time.Second
	// infoTimeout is how long observations on a new connection wait for the engine to answer /info.
	infoTimeout = time.Second
)

// NotApplicableError says why an engine that answers cannot be served.
type NotApplicableError struct {
	// Version is what the engine says about itself.
	Version Version
	speaks  string
}

func (e *NotApplicableError) Error() string {
	return fmt.Sprintf("it speaks Docker API %s, but the server needs %s (Docker 20.10) or newer", e.speaks, oldestAPI)
}

// Connection is one connection to the engine, from connecting until it is lost.
type Connection struct {
	// Docker is Docker's own client. Its requests pass the list of allowed requests, as all requests do.
	Docker *client.Client
	// NewestAPI is the newest version of the API that the engine speaks. The server may speak an older one with it.
	NewestAPI string

	ctx       context.Context
	fail      context.CancelCauseFunc
	transport *http.Transport
	headers   map[string]string
	// version is what the engine said about itself when it connected. Complete may learn more later.
	version Version
	// infos asks what the engine says about its host and its defaults, and info is the last answer.
	infos *batcher.Batcher[system.Info]
	info  atomic.Pointer[system.Info]
	// infoDue is the time after which nobody waits for that answer.
	infoDue time.Time
	// listsParents is true if the engine's list has all images, including those that only serve as parents.
	listsParents atomic.Bool
}

// Context returns the context that ends with the connection. Its cause says why the connection ended.
func (c *Connection) Context() context.Context { return c.ctx }

// Fail ends the connection.
func (c *Connection) Fail(err error) { c.fail(err) }

// Close ends the connection and closes its idle network connections.
func (c *Connection) Close() {
	c.fail(nil)
	c.transport.CloseIdleConnections()
}

// Version returns what the engine said about itself when it connected.
func (c *Connection) Version() Version { return c.version }

// IsPodman reports whether the engine is podman.
func (c *Connection) IsPodman() bool { return c.version.Product == podman }

// HidesParents reports whether the engine may leave images out of its list that only serve as parents. It may, until it
// says otherwise. Then the list decides which images to show. That is right for every engine, but slow for some.
func (c *Connection) HidesParents() bool { return !c.listsParents.Load() }

// New returns a connection that uses Docker's client and the transport under it. headers are sent with each request. The
// caller must make sure that an engine answers. The connection ends with ctx at the latest.
func New(ctx context.Context, docker *client.Client, transport *http.Transport, headers map[string]string) *Connection {
	c := &Connection{Docker: docker, transport: transport, headers: headers, infoDue: time.Now().Add(infoTimeout)}
	c.infos = batcher.New(c.askInfo)
	c.ctx, c.fail = context.WithCancelCause(ctx)
	return c
}

// Connect checks that the engine answers, and finds the API version to speak with it. known is what the engine said about
// itself on an earlier connection. The engine must answer within the timeout. The connection ends with ctx at the latest.
func Connect(ctx context.Context, endpoint *Endpoint, known Version, timeout time.Duration) (*Connection, error) {
	docker, transport, err := endpoint.client()
	if err != nil {
		return nil, err
	}
	c := New(ctx, docker, transport, endpoint.headers)
	if err := c.meet(known, timeout); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// meet learns which engine answers.
func (c *Connection) meet(known Version, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(c.ctx, timeout)
	defer cancel()
	ping, err := c.negotiate(ctx)
	if err != nil {
		return err
	}
	c.version = Version{Product: cmp.Or(known.Product, dockerEngine), API: c.Docker.ClientVersion(), OS: ping.OSType}
	c.NewestAPI = ping.APIVersion
	// An engine that does not tell its release is served all the same. It counts as what it last said that it is, and as
	// Docker before that. Complete corrects this. If its event log shows nothing, the first fence notices.
	switch version, err := c.askVersion(ctx); {
	case err == nil:
		c.NewestAPI = version.APIVersion
		c.version.learn(version)
	case !IsRefused(err) && !errdefs.IsInternal(err) && (!errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil):
		return err
	}
	if versions.LessThan(c.NewestAPI, oldestAPI) {
		return &NotApplicableError{c.version, c.NewestAPI}
	}
	return nil
}

// negotiate agrees with the engine on the version of the API.
func (c *Connection) negotiate(ctx context.Context) (types.Ping, error) {
	ping, err := c.Docker.Ping(ctx)
	if IsRefused(err) {
		var version types.Version
		version, err = c.unversionedVersion(ctx)
		ping = types.Ping{APIVersion: version.APIVersion, OSType: version.Os}
	}
	if err != nil {
		return ping, err
	}
	c.Docker.NegotiateAPIVersionPing(ping)
	return ping, nil
}

// unversionedVersion asks for the engine's version without an API version in the path, because none is known yet.
func (c *Connection) unversionedVersion(ctx context.Context) (types.Version, error) {
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

func (c *Connection) askVersion(ctx context.Context) (types.Version, error) {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	return c.Docker.ServerVersion(ctx)
}

// Version is what the engine says about itself.
type Version struct {
	// Product is the kind of engine: Docker Engine or Podman Engine.
	Product string
	// Engine is the release of the engine, such as 28.5.2.
	Engine string
	// API is the version of the API that the server speaks with the engine, such as 1.51.
	API string
	// OS and Architecture are the platform of the engine, such as linux and amd64.
	OS, Architecture string
	// StorageDriver is the driver that keeps the engine's file systems, such as overlay2.
	StorageDriver string
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

// Complete asks for the missing parts of version. It asks for each part, whatever becomes of the others.
func (c *Connection) Complete(ctx context.Context, version *Version) error {
	return errors.Join(c.completeVersion(ctx, version), c.completeInfo(ctx, version))
}

func (c *Connection) completeVersion(ctx context.Context, version *Version) error {
	if version.Engine != "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, ReadTimeout)
	defer cancel()
	told, err := c.Docker.ServerVersion(ctx)
	if err == nil {
		version.learn(told)
	}
	return err
}

func (c *Connection) completeInfo(ctx context.Context, version *Version) error {
	if version.StorageDriver != "" {
		return nil
	}
	info, err := c.infos.Do(ctx)
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

// Info returns what the engine says about its host and its defaults. It is nil as long as the engine does not answer, and empty
// if the engine refuses to say it. Soon after connecting, Info waits for the answer.
func (c *Connection) Info(ctx context.Context) *system.Info {
	if told := c.info.Load(); told != nil {
		return told
	}
	ctx, cancel := context.WithDeadline(ctx, c.infoDue)
	defer cancel()
	_, _ = c.infos.Do(ctx)
	return c.info.Load()
}

// askInfo asks the engine what it says about its host and its defaults, and keeps the answer.
func (c *Connection) askInfo() (system.Info, error) {
	ctx, cancel := context.WithTimeout(c.ctx, ReadTimeout)
	defer cancel()
	told, err := c.Docker.Info(ctx)
	if err == nil || IsRefused(err) {
		c.info.Store(&told)
	}
	return told, err
}

// IsAlive checks that the engine still answers.
func (c *Connection) IsAlive(ctx context.Context) error {
	_, err := c.Docker.Ping(ctx)
	if IsRefused(err) {
		_, err = c.Docker.ServerVersion(ctx)
	}
	if IsRefused(err) {
		return nil // something answers; if the engine behind a filter is gone, the event stream ends
	}
	return err
}

// IsRefused reports whether err is an answer that refuses the request. It can come from the engine or from a filter
// before it.
func IsRefused(err error) bool {
	return errdefs.IsPermissionDenied(err) || errdefs.IsUnauthorized(err) || errdefs.IsNotFound(err) || errdefs.IsInvalidArgument(err) ||
		errdefs.IsNotImplemented(err)
}
