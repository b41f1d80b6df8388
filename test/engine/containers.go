// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"
)

var (
	// Wait is a command that runs until SIGTERM, and then ends at once.
	Wait = []string{"sh", "-c", "trap 'exit 0' TERM; while :; do sleep 3600 & wait; done"}
	// Stubborn is a command that only SIGKILL ends.
	Stubborn = []string{"sleep", "1000000"}
)

var names atomic.Int64

// UniqueName begins with a prefix and is good for a container, a volume, or an image.
func UniqueName(prefix string) string {
	return fmt.Sprintf("%s-%d-%d", prefix, os.Getpid(), names.Add(1))
}

// ContainerOption changes a container that is about to be created.
type ContainerOption func(*container.Config, *container.HostConfig)

// Command is what the container runs, instead of Wait.
func Command(args ...string) ContainerOption {
	return func(config *container.Config, _ *container.HostConfig) { config.Cmd = args }
}

// Labels are the labels of the container.
func Labels(labels map[string]string) ContainerOption {
	return func(config *container.Config, _ *container.HostConfig) { config.Labels = labels }
}

// FromImage is the image of the container, instead of Busybox.
func FromImage(ref string) ContainerOption {
	return func(config *container.Config, _ *container.HostConfig) { config.Image = ref }
}

// Config is what Busybox needs to run the command, or Wait. It has no network: it starts twice as fast so.
func Config(command ...string) *container.Config {
	if len(command) == 0 {
		command = Wait
	}
	return &container.Config{Image: Busybox, Cmd: command, NetworkDisabled: true}
}

// Create creates a container and returns its ID. Like all that is made here it is removed when the test ends.
func (e *Engine) Create(t testing.TB, name string, opts ...ContainerOption) string {
	t.Helper()
	config, host := Config(), &container.HostConfig{}
	for _, opt := range opts {
		opt(config, host)
	}
	created, err := e.client.ContainerCreate(t.Context(), config, host, nil, nil, name)
	if err != nil {
		t.Fatalf("creating container %s: %v", name, err)
	}
	e.cleanUp(t, "container "+name, func(ctx context.Context) error {
		return e.client.ContainerRemove(ctx, created.ID, container.RemoveOptions{Force: true, RemoveVolumes: true})
	})
	return created.ID
}

// Run creates a container, starts it and returns its ID.
func (e *Engine) Run(t testing.TB, name string, opts ...ContainerOption) string {
	t.Helper()
	id := e.Create(t, name, opts...)
	if err := e.client.ContainerStart(t.Context(), id, container.StartOptions{}); err != nil {
		t.Fatalf("starting container %s: %v", name, err)
	}
	return id
}

// Volume makes a volume.
func (e *Engine) Volume(t testing.TB, name string, labels map[string]string) {
	t.Helper()
	if _, err := e.client.VolumeCreate(t.Context(), volume.CreateOptions{Name: name, Labels: labels}); err != nil {
		t.Fatalf("creating volume %s: %v", name, err)
	}
	e.cleanUp(t, "volume "+name, func(ctx context.Context) error {
		return e.client.VolumeRemove(ctx, name, false)
	})
}

func (e *Engine) cleanUp(t testing.TB, what string, remove func(context.Context) error) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		// Gone, or a removal that the test began is still under way.
		if err := remove(ctx); err != nil && !cerrdefs.IsNotFound(err) && !cerrdefs.IsConflict(err) {
			t.Errorf("removing %s: %v", what, err)
		}
	})
}
