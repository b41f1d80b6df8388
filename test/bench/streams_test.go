// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

const megabyte = 1 << 20

// dockerClient is Docker's own client. Its methods make the calls that the docker command makes.
type dockerClient struct{ *client.Client }

// dockerClients returns the clients of the sides docker and relayed. The relay runs until stop is called.
func (s *setting) dockerClients() (clients map[side]dockerClient, stop func()) {
	s.Helper()
	relay, stopRelay := s.startRelay()
	tls, err := rest.TLSConfigFor(s.server.config)
	if err != nil {
		s.Fatal(err)
	}
	throughRelay, err := client.NewClientWithOpts(client.WithHTTPClient(&http.Client{Transport: &http.Transport{TLSClientConfig: tls}}),
		client.WithHost("tcp://"+strings.TrimPrefix(relay.base, "https://")), client.WithVersion(s.engine.Client().ClientVersion()))
	if err != nil {
		s.Fatal(err)
	}
	return map[side]dockerClient{docker: {s.engine.Client()}, relayed: {throughRelay}}, func() {
		_ = throughRelay.Close() // has no error to report
		stopRelay()
	}
}

// run runs a container until remove is called.
func (s *setting) run(name string, options ...engine.ContainerOption) (remove func()) {
	s.Helper()
	s.engine.Run(s, name, options...)
	return s.remover(name)
}

// remover returns a call that removes a container that may run.
func (s *setting) remover(name string) func() {
	return func() {
		if err := s.engine.Client().ContainerRemove(s.Context(), name, container.RemoveOptions{Force: true}); err != nil {
			s.Error(err)
		}
	}
}

// execute has a session with a subresource of a container, over WebSocket as kubectl does.
func (s *setting) execute(ctx context.Context, name, subresource string, query url.Values, streams remotecommand.StreamOptions) error {
	for stream, isUsed := range map[string]bool{"stdin": streams.Stdin != nil, "stdout": streams.Stdout != nil, "stderr": streams.Stderr != nil, "tty": streams.Tty} {
		if isUsed {
			query.Set(stream, "true")
		}
	}
	target := s.server.base + s.server.path("containers", name, subresource) + "?" + query.Encode()
	executor, err := remotecommand.NewWebSocketExecutor(s.server.config, http.MethodGet, target)
	if err != nil {
		return err
	}
	return executor.StreamWithContext(ctx, streams)
}

// carried returns a call that adds the speed of a transfer to a figure. transfer returns how many bytes it has carried, which are
// more than the given megabytes if there are headers among them.
func (s *setting) carried(figure string, of side, megabytes int, transfer func() (int64, error)) func() error {
	return func() error {
		begun := time.Now()
		n, err := transfer()
		if err == nil && n < int64(megabytes)*megabyte {
			err = fmt.Errorf("%s: %s carried only %d bytes of %d MB", figure, of, n, megabytes)
		}
		s.add(figure, bandwidth, of, float64(megabytes)/time.Since(begun).Seconds())
		return err
	}
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// readOne waits for one byte.
func readOne(from io.Reader) error {
	_, err := io.ReadFull(from, make([]byte, 1))
	return err
}
