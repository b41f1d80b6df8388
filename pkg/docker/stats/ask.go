// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/client"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
)

// oneShot asks for a single sample, without the one before it. Otherwise the engine waits for two of its own.
var oneShot = url.Values{"stream": {"false"}, "one-shot": {"true"}}

// noContainer matches the words with which an engine says that it has no such container. An engine that cannot tell what a
// container uses also answers 404.
var noContainer = regexp.MustCompile(`(?i)no such container|no container with`)

// answersAtOnce is the oldest version of the API with which an engine may answer at once. Docker 20.10 lets each call wait until
// it takes its own next sample.
const answersAtOnce = "1.42"

// asker asks a Docker Engine.
type asker struct{ client *connection.Client }

// From returns the engine that the client calls.
func From(client *connection.Client) Engine { return asker{client} }

// Waits implements Engine.
func (a asker) Waits() bool {
	current, err := a.client.Current()
	return err == nil && !current.IsPodman() && versions.LessThan(current.NewestAPI, answersAtOnce)
}

// Ask implements Engine.
func (a asker) Ask(ctx context.Context, id string, timeout time.Duration) (sample *Sample, err error) {
	if !names.IsFullID(id) {
		return nil, fmt.Errorf("%q is not the ID of a container", id)
	}
	err = a.client.Read(ctx, timeout, func(ctx context.Context, c *connection.Connection) error {
		text, err := textOf(ctx, c, id)
		if err != nil {
			return err
		}
		sample, err = Parse(text)
		return err
	})
	switch {
	case errdefs.IsNotFound(err) && noContainer.MatchString(err.Error()):
		return nil, nil
	case errors.Is(err, context.DeadlineExceeded):
		return nil, lateError(timeout)
	}
	return sample, err
}

// textOf returns the engine's answer. It uses Docker's client if the engine refuses, because that makes typed errors of the
// engine's words.
func textOf(ctx context.Context, c *connection.Connection, id string) ([]byte, error) {
	response, err := c.Get(ctx, "/containers/"+id+"/stats", oneShot)
	if err == nil && response.StatusCode == http.StatusOK {
		defer response.Body.Close()
		return io.ReadAll(response.Body)
	}
	if err == nil {
		response.Body.Close()
	}
	return byDocker(ctx, c.Docker, id)
}

func byDocker(ctx context.Context, docker *client.Client, id string) ([]byte, error) {
	answer, err := docker.ContainerStatsOneShot(ctx, id)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}
