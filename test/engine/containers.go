// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"k8s.io/apimachinery/pkg/util/wait"
)

var (
	// Wait is a command that runs until SIGTERM and then ends at once.
	Wait = []string{"sh", "-c", "trap 'exit 0' TERM; while :; do sleep 3600 & wait; done"}
	// Stubborn is a command that ignores SIGTERM, because it runs as PID 1. Only SIGKILL ends it.
	Stubborn = []string{"sleep", "1000000"}
)

var names atomic.Int64

// UniqueName returns a new name with this prefix. It is valid for a container, a volume, a network and an image.
func UniqueName(prefix string) string {
	return fmt.Sprintf("%s-%d-%d", prefix, os.Getpid(), names.Add(1))
}

// ContainerOption changes a container that is about to be created.
type ContainerOption func(*container.Config, *container.HostConfig)

// Command sets the command of the container. The default is Wait.
func Command(args ...string) ContainerOption {
	return func(config *container.Config, _ *container.HostConfig) { config.Cmd = args }
}

// Labels sets the labels of the container.
func Labels(labels map[string]string) ContainerOption {
	return func(config *container.Config, _ *container.HostConfig) { config.Labels = labels }
}

// FromImage sets the image of the container. The default is Busybox.
func FromImage(ref string) ContainerOption {
	return func(config *container.Config, _ *container.HostConfig) { config.Image = ref }
}

// OnNetwork connects the container to a network while it runs.
func OnNetwork(name string) ContainerOption {
	return func(config *container.Config, host *container.HostConfig) {
		config.NetworkDisabled, host.NetworkMode = false, container.NetworkMode(name)
	}
}

// Config returns the configuration of a Busybox container that runs the command, by default Wait. It has no network,
// because it starts twice as fast without.
func Config(command ...string) *container.Config {
	if len(command) == 0 {
		command = Wait
	}
	return &container.Config{Image: Busybox, Cmd: command, NetworkDisabled: true}
}

// Create creates a container and returns its ID. The container is removed when the test ends, like everything that a test
// makes by this package.
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
	e.RemoveAfter(t, created.ID)
	return created.ID
}

// RemoveAfter removes a container when the test ends, if it is there then. The test can call it before it makes the container.
func (e *Engine) RemoveAfter(t testing.TB, name string) {
	e.cleanUp(t, "container "+name, func(ctx context.Context) error {
		return e.client.ContainerRemove(ctx, name, container.RemoveOptions{Force: true, RemoveVolumes: true})
	})
}

// Run creates a container, starts it and returns its ID. The command may be a shell that begins with a trap for SIGHUP or SIGTERM,
// such as Wait. Then the trap is set when Run returns.
func (e *Engine) Run(t testing.TB, name string, opts ...ContainerOption) string {
	t.Helper()
	id := e.Create(t, name, opts...)
	if err := e.client.ContainerStart(t.Context(), id, container.StartOptions{}); err != nil {
		t.Fatalf("starting container %s: %v", name, err)
	}
	e.awaitTrap(t, name)
	return id
}

// awaitTrap waits until the trap of a container's shell is set. The kernel drops a signal to PID 1 that comes earlier.
func (e *Engine) awaitTrap(t testing.TB, name string) {
	t.Helper()
	var seen string
	err := wait.PollUntilContextTimeout(t.Context(), 5*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		inspected := e.Inspect(t, name)
		if inspected == nil || !inspected.State.Running {
			return true, nil // it has ended
		}
		if command := inspected.Config.Cmd; len(command) != 3 || !strings.HasPrefix(command[2], "trap ") {
			return true, nil
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/root/proc/%d/status", e.super.Process.Pid, inspected.State.Pid))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			return false, nil // it ends
		}
		seen = string(status)
		return catchesASignal(seen), err
	})
	if err != nil {
		t.Fatalf("waiting until the shell of container %s has set its trap: %v: %s", name, err, seen)
	}
}

// catchesASignal reports whether a process has a handler for SIGHUP or SIGTERM, by its status as in proc_pid_status(5). A shell has
// one for SIGINT from its start.
func catchesASignal(status string) bool {
	_, caught, _ := strings.Cut(status, "SigCgt:")
	caught, _, _ = strings.Cut(caught, "\n")
	mask, err := strconv.ParseUint(strings.TrimSpace(caught), 16, 64)
	return err == nil && mask&(1<<(syscall.SIGHUP-1)|1<<(syscall.SIGTERM-1)) != 0
}

// Inspect returns what Docker says about a container, or nil if it is not there.
func (e *Engine) Inspect(t testing.TB, name string) *container.InspectResponse {
	t.Helper()
	inspected, err := e.client.ContainerInspect(t.Context(), name)
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return &inspected
}

// Volume creates a volume.
func (e *Engine) Volume(t testing.TB, name string, labels map[string]string) {
	t.Helper()
	if _, err := e.client.VolumeCreate(t.Context(), volume.CreateOptions{Name: name, Labels: labels}); err != nil {
		t.Fatalf("creating volume %s: %v", name, err)
	}
	e.cleanUp(t, "volume "+name, func(ctx context.Context) error {
		return e.client.VolumeRemove(ctx, name, false)
	})
}

// Network creates a bridge network and returns its ID.
func (e *Engine) Network(t testing.TB, name string, labels map[string]string) string {
	t.Helper()
	created, err := e.client.NetworkCreate(t.Context(), name, network.CreateOptions{Labels: labels})
	if err != nil {
		t.Fatalf("creating network %s: %v", name, err)
	}
	e.cleanUp(t, "network "+name, func(ctx context.Context) error {
		return e.client.NetworkRemove(ctx, created.ID)
	})
	return created.ID
}

// Namesake creates another bridge network with a name that a network has, and returns its ID. Docker 25 and newer refuse
// that.
func (e *Engine) Namesake(t testing.TB, name string) (id string, err error) {
	t.Helper()
	// Docker's own client asks older engines to refuse it as well.
	body, err := json.Marshal(map[string]any{"Name": name, "CheckDuplicate": false})
	if err != nil {
		t.Fatal(err)
	}
	target := "http://" + client.DummyHost + "/v" + e.client.ClientVersion() + "/networks/create"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := e.client.HTTPClient().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("creating another network %s: %s: %s", name, response.Status, answer)
	}
	var created network.CreateResponse
	if err := json.Unmarshal(answer, &created); err != nil {
		t.Fatal(err)
	}
	e.cleanUp(t, "network "+name, func(ctx context.Context) error { return e.client.NetworkRemove(ctx, created.ID) })
	return created.ID, nil
}

func (e *Engine) cleanUp(t testing.TB, what string, remove func(context.Context) error) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		// The test may have removed it, or its removal is still in progress.
		if err := remove(ctx); err != nil && !cerrdefs.IsNotFound(err) && !cerrdefs.IsConflict(err) {
			t.Errorf("removing %s: %v", what, err)
		}
	})
}
