// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/docker/docker/api/types/container"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// Log opens the log of a container. The options are valid. The log lasts until it is closed, until ctx ends, or until
// the engine is lost. A log that is not complete ends with another error than io.EOF.
func (s *Source) Log(ctx context.Context, id, name string, options *v1alpha1.ContainerLogOptions) (io.ReadCloser, error) {
	tty, err := s.hasTerminal(ctx, id, name)
	if err != nil {
		return nil, err
	}
	stream, err := s.Client.Stream(ctx, func(ctx context.Context, c *connection.Connection) (io.ReadCloser, error) {
		return c.Docker.ContainerLogs(ctx, id, logOptions(options, s.Clock.Now()))
	})
	if err != nil {
		return nil, connection.APIError("log", containerResource, name, err)
	}
	log := &log{Reader: &pacer{Reader: stream, ctx: ctx, clock: s.Clock}, Closer: stream}
	if !tty {
		log.Reader = newDemultiplexer(log.Reader)
	}
	if options.LimitBytes != nil {
		log.Reader = io.LimitReader(log.Reader, *options.LimitBytes)
	}
	return log, nil
}

// hasTerminal reports whether a container has a terminal, so that its log is not multiplexed. That never changes, so Docker
// is asked only about a container that was not observed yet.
func (s *Source) hasTerminal(ctx context.Context, id, name string) (bool, error) {
	if tty, isKnown := s.overlays.hasTerminal(id); isKnown {
		return tty, nil
	}
	inspected, err := s.inspect(ctx, id)
	if err != nil {
		return false, connection.APIError("log", containerResource, name, err)
	}
	if inspected == nil || inspected.Config == nil {
		return false, apierrors.NewNotFound(containerResource, name)
	}
	return inspected.Config.Tty, nil
}

// log reads the text of a log, and closes Docker's stream.
type log struct {
	io.Reader
	io.Closer
}

// logOptions returns the options in Docker's form.
func logOptions(options *v1alpha1.ContainerLogOptions, now time.Time) container.LogsOptions {
	result := container.LogsOptions{
		ShowStdout: options.Stream != v1alpha1.LogStreamStderr,
		ShowStderr: options.Stream != v1alpha1.LogStreamStdout,
		Follow:     options.Follow,
		Timestamps: options.Timestamps,
		Tail:       "all",
	}
	if options.TailLines != nil {
		result.Tail = strconv.FormatInt(*options.TailLines, 10)
	}
	since, until := containers.LogTimes(options, now)
	if !since.IsZero() {
		result.Since = since.UTC().Format(time.RFC3339Nano)
	}
	if !until.IsZero() {
		result.Until = until.UTC().Format(time.RFC3339Nano)
	}
	return result
}
