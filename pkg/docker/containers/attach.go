// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"errors"
	"net/url"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// Attachment is a container that is attached to.
type Attachment struct {
	source   *Source
	name, id string
	tty      bool
	conn     *connection.Upgraded
	exited   <-chan exit
}

// Attach attaches to a container. The attachment ends with ctx. The options are valid. Docker itself would wait for a
// container that does not run, and throw away the input of one without an open stdin.
func (s *Source) Attach(ctx context.Context, id, name string, options *v1alpha1.ContainerAttachOptions) (*Attachment, error) {
	inspected, err := s.inspect(ctx, id)
	if err != nil {
		return nil, connection.APIError("attach", containerResource, name, err)
	}
	if inspected == nil || inspected.State == nil || inspected.Config == nil {
		return nil, apierrors.NewNotFound(containerResource, name)
	}
	if reason := unattachable(inspected.State, inspected.Config, options); reason != "" {
		return nil, apierrors.NewConflict(containerResource, name, errors.New(reason))
	}
	query := url.Values{"stream": {"1"}, "detachKeys": {noDetachKeys}}
	for parameter, is := range map[string]bool{"stdin": options.Stdin, "stdout": options.Stdout, "stderr": options.Stderr, "logs": options.Logs} {
		if is {
			query.Set(parameter, "1")
		}
	}
	a := &Attachment{source: s, name: name, id: id, tty: inspected.Config.Tty}
	if a.exited, err = a.await(ctx); err != nil {
		return nil, connection.APIError("attach", containerResource, name, err)
	}
	if a.conn, err = s.Client.Upgrade(ctx, "/containers/"+id+"/attach", query, nil); err != nil {
		return nil, connection.APIError("attach", containerResource, name, err)
	}
	context.AfterFunc(ctx, func() { _ = a.conn.Close() })
	return a, nil
}

// unattachable returns why a container cannot be attached to in that way, in the words of the docker command where it has
// some.
func unattachable(state *container.State, config *container.Config, options *v1alpha1.ContainerAttachOptions) string {
	for _, obstacle := range []struct {
		is     bool
		reason string
	}{
		{state.Paused, "cannot attach to a paused container, unpause it first"},
		{state.Restarting, "cannot attach to a restarting container, wait until it is running"},
		{!state.Running && !options.BeforeStart, "cannot attach to a stopped container, start it first"},
		{options.Stdin && !config.OpenStdin, "the container was made without an open stdin, so that it reads no input: leave stdin out"},
		{options.TTY && !config.Tty, "the container was made without a terminal: leave tty out"},
	} {
		if obstacle.is {
			return obstacle.reason
		}
	}
	return ""
}

// Run connects the streams until the container has exited and all its output was written, and returns its exit code. The
// container goes on without the streams if ctx ends earlier. Run may leave a read of stdin behind. It is called once.
func (a *Attachment) Run(ctx context.Context, streams Streams) (exitCode int, err error) {
	defer a.conn.Close()
	p := process{client: a.source.Client, conn: a.conn, tty: a.tty, resize: func(ctx context.Context, c *connection.Connection, size container.ResizeOptions) error {
		return c.Docker.ContainerResize(ctx, a.id, size)
	}}
	if err := p.stream(ctx, streams); err != nil {
		return 0, connection.APIError("attach", containerResource, a.name, a.conn.Explain(err))
	}
	select {
	case exit := <-a.exited:
		if err := a.conn.Explain(exit.err); err != nil {
			return 0, connection.APIError("attach", containerResource, a.name, err)
		}
		return exit.code, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// exit is how a container has ended.
type exit struct {
	code int
	err  error
}

// await returns a channel with the next exit of the container. ctx ends the wait.
func (a *Attachment) await(ctx context.Context) (<-chan exit, error) {
	current, err := a.source.Client.Current()
	if err != nil {
		return nil, err
	}
	exited := make(chan exit, 1)
	codes, errs := current.Docker.ContainerWait(ctx, a.id, container.WaitConditionNextExit)
	go func() {
		select {
		case answer := <-codes:
			exited <- exit{code: int(answer.StatusCode)}
		case err := <-errs:
			if errdefs.IsNotFound(err) {
				err = removedMeanwhile(a.name)
			}
			exited <- exit{err: err}
		}
	}()
	return exited, nil
}
