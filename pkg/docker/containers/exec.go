// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

const (
	// exitTimeout is how long Docker may take to notice that a command whose output has ended has exited.
	exitTimeout = 10 * time.Second
	// exitPoll is how often Docker is asked meanwhile.
	exitPoll = 10 * time.Millisecond
)

// Exec is a command in a container that has not begun.
type Exec struct {
	source   *Source
	name, id string
	tty      bool
}

// Exec prepares a command in a container. The options are valid.
func (s *Source) Exec(ctx context.Context, id, name string, options *v1alpha1.ContainerExecOptions) (*Exec, error) {
	exec := &Exec{source: s, name: name, tty: options.TTY}
	err := s.Client.Read(ctx, connection.ReadTimeout, func(ctx context.Context, c *connection.Connection) error {
		created, err := c.Docker.ContainerExecCreate(ctx, id, container.ExecOptions{
			Cmd: options.Command, Env: options.Env, User: options.User, WorkingDir: options.WorkingDir, Privileged: options.Privileged,
			Tty: options.TTY, AttachStdin: options.Stdin, AttachStdout: options.Stdout, AttachStderr: options.Stderr,
			DetachKeys: noDetachKeys,
		})
		exec.id = created.ID
		return s.checkNotFound(ctx, id, err)
	})
	if err != nil {
		return nil, connection.APIError("exec", containerResource, name, err)
	}
	return exec, nil
}

// Run runs the command until it has exited and all its output was written, and returns its exit code. The command goes on
// without its streams if ctx ends earlier. Run may leave a read of stdin behind.
func (e *Exec) Run(ctx context.Context, streams Streams) (exitCode int, err error) {
	conn, err := e.source.Client.Upgrade(ctx, "/exec/"+e.id+"/start", nil, container.ExecStartOptions{Tty: e.tty})
	if err != nil {
		return 0, connection.APIError("exec", containerResource, e.name, err)
	}
	defer conn.Close()
	p := process{client: e.source.Client, conn: conn, tty: e.tty, resize: func(ctx context.Context, c *connection.Connection, size container.ResizeOptions) error {
		return c.Docker.ContainerExecResize(ctx, e.id, size)
	}}
	if err = p.stream(ctx, streams); err == nil {
		exitCode, err = e.exitCode(ctx)
	}
	// An engine that was lost may have ended the output, and may know the exit code when it is back.
	if err = conn.Explain(err); err != nil {
		return 0, connection.APIError("exec", containerResource, e.name, err)
	}
	return exitCode, nil
}

// exitCode waits until Docker says that the command has exited.
func (e *Exec) exitCode(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, exitTimeout)
	defer cancel()
	for {
		var inspected container.ExecInspect
		err := e.source.Client.Read(ctx, connection.ReadTimeout, func(ctx context.Context, c *connection.Connection) (err error) {
			inspected, err = c.Docker.ContainerExecInspect(ctx, e.id)
			return err
		})
		switch {
		case errdefs.IsNotFound(err):
			return 0, removedMeanwhile(e.name)
		case err != nil:
			return 0, err
		case !inspected.Running:
			return inspected.ExitCode, nil
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("waiting for the exit code of a command whose output has ended: %w", ctx.Err())
		case <-e.source.Clock.After(exitPoll):
		}
	}
}

func removedMeanwhile(name string) error {
	return apierrors.NewConflict(containerResource, name, errors.New("the container was removed meanwhile"))
}
