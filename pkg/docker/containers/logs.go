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
	inspected, err := s.inspect(ctx, id)
	if err != nil {
		return nil, connection.APIError("log", containerResource, name, err)
	}
	if inspected == nil || inspected.Config == nil {
		return nil, apierrors.NewNotFound(containerResource, name)
	}
	stream, err := s.Client.Stream(ctx, func(ctx context.Context, c *connection.Connection) (io.ReadCloser, error) {
		return c.Docker.ContainerLogs(ctx, id, logOptions(options, s.Clock.Now()))
	})
	if err != nil {
		return nil, connection.APIError("log", containerResource, name, err)
	}
	log := &log{Reader: stream, Closer: stream}
	if !inspected.Config.Tty {
		log.Reader = newDemultiplexer(stream)
	}
	if options.LimitBytes != nil {
		log.Reader = io.LimitReader(log.Reader, *options.LimitBytes)
	}
	return log, nil
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
