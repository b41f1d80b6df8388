// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
	"github.com/docker/go-connections/nat"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// private is the private engine of the tests that need one. The first of them starts it.
var private = sync.OnceValues(func() (*engine.Engine, error) {
	started = true
	return engine.Start()
})

var started bool

func TestMain(m *testing.M) {
	code := m.Run()
	if started {
		e, err := private()
		if err == nil {
			err = e.Stop()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// real is a source of the private engine.
type real struct {
	*Source
	engine *engine.Engine
	docker *client.Client
	sink   *sourcetest.Sink
	// api is the version of the API that the source speaks with the engine.
	api string
}

func connect(t *testing.T) *real {
	t.Helper()
	e, err := private()
	dockertest.Must(t, err)
	return connectTo(t, e)
}

// connectTo returns a new source of an engine.
func connectTo(t *testing.T, e *engine.Engine) *real {
	t.Helper()
	endpoint, err := connection.Resolve(e.Host(), connection.Full)
	dockertest.Must(t, err)
	c, err := connection.Connect(t.Context(), endpoint, connection.Version{}, time.Minute)
	dockertest.Must(t, err)
	t.Cleanup(c.Close)
	common := source.Engine{Client: connection.NewClient(endpoint), Namespace: "engine", Events: func(context.Context) error { return nil }}
	common.Client.Use(c)
	r := &real{Source: New(common), engine: e, docker: e.Client(), sink: &sourcetest.Sink{}, api: c.Version().API}
	r.ShowEnvironment = true
	r.SetSink(r.sink)
	return r
}

// create makes a container of what creationOf returns, and returns its ID.
func (r *real) create(t *testing.T, c *v1alpha1.Container) (id string, err error) {
	t.Helper()
	asked, err := creationOf(c, r.api)
	dockertest.Must(t, err)
	created, err := r.docker.ContainerCreate(t.Context(), asked.config, asked.host, asked.networking, asked.platform, c.Name)
	if err != nil {
		return "", err
	}
	r.engine.RemoveAfter(t, created.ID)
	for _, later := range asked.later {
		dockertest.Must(t, r.docker.NetworkConnect(t.Context(), later.name, created.ID, later.join))
	}
	return created.ID, nil
}

func (r *real) remove(t *testing.T, id string) {
	t.Helper()
	err := r.docker.ContainerRemove(context.WithoutCancel(t.Context()), id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if err != nil && !cerrdefs.IsNotFound(err) {
		t.Errorf("removing %s: %v", id, err)
	}
}

// make makes a container of the spec, which must succeed.
func (r *real) make(t *testing.T, spec *v1alpha1.ContainerSpec) (id string) {
	t.Helper()
	c := &v1alpha1.Container{Spec: *spec}
	c.Name = engine.UniqueName("made")
	id, err := r.create(t, c)
	if err != nil {
		t.Fatalf("creating a container of %s: %v", textOf(t, spec), err)
	}
	return id
}

// read returns the container as the source shows it now.
func (r *real) read(t *testing.T, id string) *v1alpha1.Container {
	t.Helper()
	objects, _, err := r.Observe(t.Context(), id)
	dockertest.Must(t, err)
	for _, object := range objects {
		return object.(*v1alpha1.Container)
	}
	t.Fatalf("the container %s is not shown", id)
	return nil
}

// readAnew returns the container as a source shows it that has just started.
func (r *real) readAnew(t *testing.T, id string) *v1alpha1.Container {
	t.Helper()
	return connect(t).read(t, id)
}

// textOf returns a spec as kubectl gets it.
func textOf(t *testing.T, spec *v1alpha1.ContainerSpec) string {
	t.Helper()
	text, err := json.MarshalIndent(spec, "", " ")
	dockertest.Must(t, err)
	return string(text)
}

// richImage makes an image that has a configuration of every kind.
func (r *real) richImage(t *testing.T, ref string, changes ...func(*container.Config)) string {
	t.Helper()
	config := &container.Config{
		Image: engine.Busybox, Env: []string{"PATH=/usr/bin:/bin", "FROM_IMAGE=kept", "OTHER=of image"}, Entrypoint: []string{"/bin/sh", "-c"}, Cmd: []string{"sleep 1"},
		User: "1000", WorkingDir: "/of/image", StopSignal: "SIGQUIT", ExposedPorts: nat.PortSet{"80/tcp": {}, "9000/tcp": {}, "514/udp": {}},
		Volumes: map[string]struct{}{"/of/image/volume": {}}, Labels: map[string]string{"of.image": "label", "not valid": "of the image"},
		Healthcheck: &container.HealthConfig{Test: []string{"CMD", "true"}, Interval: time.Minute, Timeout: 5 * time.Second, Retries: 2},
	}
	for _, change := range changes {
		change(config)
	}
	created, err := r.docker.ContainerCreate(t.Context(), config, nil, nil, nil, "")
	dockertest.Must(t, err)
	defer r.remove(t, created.ID)
	_, err = r.docker.ContainerCommit(t.Context(), created.ID, container.CommitOptions{Reference: ref, Config: config})
	dockertest.Must(t, err)
	return ref
}
