// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"fmt"
	"net/http"

	"k8s.io/utils/exec"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	dockercontainers "github.com/rancher-sandbox/engine-apiserver/pkg/docker/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
	"github.com/rancher-sandbox/engine-apiserver/pkg/streaming"
)

// newExec returns the subresource exec.
func newExec(owner *registry.Owner[*v1alpha1.Container], engine Engine, streams Streams) *Stream[*v1alpha1.ContainerExecOptions] {
	return &Stream[*v1alpha1.ContainerExecOptions]{
		owner: owner, streams: streams, kind: "ContainerExecOptions",
		newOptions: func() *v1alpha1.ContainerExecOptions { return &v1alpha1.ContainerExecOptions{} },
		validate:   containers.ValidateContainerExecOptions,
		serve: func(w http.ResponseWriter, r *http.Request, of target, options *v1alpha1.ContainerExecOptions) error {
			command := streaming.Command{Kind: "exec", Stdin: options.Stdin, Stdout: options.Stdout, Stderr: options.Stderr, TTY: options.TTY}
			return streams.Sessions.Execute(w, r, command, &execution{prepare: func(ctx context.Context) (runner, error) {
				return engine.Exec(ctx, of.id, of.name, options)
			}})
		},
	}
}

// newAttach returns the subresource attach.
func newAttach(owner *registry.Owner[*v1alpha1.Container], engine Engine, streams Streams) *Stream[*v1alpha1.ContainerAttachOptions] {
	return &Stream[*v1alpha1.ContainerAttachOptions]{
		owner: owner, streams: streams, kind: "ContainerAttachOptions",
		newOptions: func() *v1alpha1.ContainerAttachOptions { return &v1alpha1.ContainerAttachOptions{} },
		validate:   containers.ValidateContainerAttachOptions,
		serve: func(w http.ResponseWriter, r *http.Request, of target, options *v1alpha1.ContainerAttachOptions) error {
			command := streaming.Command{Kind: "attach", Stdin: options.Stdin, Stdout: options.Stdout, Stderr: options.Stderr, TTY: options.TTY}
			return streams.Sessions.Execute(w, r, command, &execution{prepare: func(ctx context.Context) (runner, error) {
				return engine.Attach(ctx, of.id, of.name, options)
			}})
		},
	}
}

// runner is a command or a container that is ready to be run or attached to.
type runner interface {
	Run(ctx context.Context, streams dockercontainers.Streams) (exitCode int, err error)
}

// execution is the streaming.Executor of a runner.
type execution struct {
	prepare func(ctx context.Context) (runner, error)
	runner  runner
}

// Prepare implements streaming.Executor.
func (e *execution) Prepare(ctx context.Context) (err error) {
	e.runner, err = e.prepare(ctx)
	return err
}

// Execute implements streaming.Executor.
func (e *execution) Execute(ctx context.Context, session streaming.Streams) error {
	streams := dockercontainers.Streams{Stdin: session.Stdin, Stdout: session.Stdout, Stderr: session.Stderr}
	if session.Resize != nil {
		streams.NextSize = func(ctx context.Context) (width, height uint, err error) {
			select {
			case size := <-session.Resize:
				return uint(size.Width), uint(size.Height), nil
			case <-ctx.Done():
				return 0, 0, ctx.Err()
			}
		}
	}
	code, err := e.runner.Run(ctx, streams)
	if err != nil || code == 0 {
		return err
	}
	return exec.CodeExitError{Code: code, Err: fmt.Errorf("it exited with %d", code)}
}
