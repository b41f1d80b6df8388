// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// logLine is a line of a long log.
const logLine = "a line of a log as programs write it, with a time, a level, a message and the values that it is about"

// logs measures the time until a log begins, and the speed of a long one.
func (s *setting) logs() {
	clients, stop := s.dockerClients()
	defer stop()
	s.logsBegin(clients)
	s.logsAreRead(clients)
}

func (s *setting) logsBegin(clients map[side]dockerClient) {
	name := engine.UniqueName("log")
	remove := s.run(name, engine.Command("sh", "-c", "echo begun; exec sleep 1000000"))
	defer remove()
	begins := func(of side, open func(context.Context) (io.ReadCloser, error)) func() error {
		return func() error {
			ctx, cancel := context.WithCancel(s.Context())
			defer cancel()
			begun := time.Now()
			log, err := open(ctx)
			if err != nil {
				return err
			}
			defer log.Close()
			err = readOne(log)
			s.took("time to the first byte of a log", of, time.Since(begun))
			return err
		}
	}
	calls := []func() error{begins(standalone, func(ctx context.Context) (io.ReadCloser, error) { return s.openLog(ctx, name, "?follow=true") })}
	for of, d := range clients {
		calls = append(calls, begins(of, func(ctx context.Context) (io.ReadCloser, error) {
			return d.openLog(ctx, name, container.LogsOptions{Follow: true})
		}))
	}
	for range s.moments {
		s.turns(calls...)
	}
}

func (s *setting) logsAreRead(clients map[side]dockerClient) {
	name := engine.UniqueName("log")
	lines := s.logged*megabyte/len(logLine+"\n") + 1
	remove := s.run(name, engine.Command("sh", "-c", fmt.Sprintf("yes '%s' | head -n %d", logLine, lines)))
	defer remove()
	ended, failed := s.engine.Client().ContainerWait(s.Context(), name, container.WaitConditionNotRunning)
	select {
	case <-ended:
	case err := <-failed:
		s.Fatal(err)
	}
	figure := fmt.Sprintf("throughput of a log of %d MB", s.logged)
	calls := []func() error{s.carried(figure, standalone, s.logged, func() (int64, error) {
		log, err := s.openLog(s.Context(), name, "")
		if err != nil {
			return 0, err
		}
		defer log.Close()
		return io.Copy(io.Discard, log)
	})}
	for of, d := range clients {
		calls = append(calls, s.carried(figure, of, s.logged, func() (int64, error) {
			log, err := d.openLog(s.Context(), name, container.LogsOptions{Tail: "all"})
			if err != nil {
				return 0, err
			}
			defer log.Close()
			return stdcopy.StdCopy(io.Discard, io.Discard, log)
		}))
	}
	for range (s.transfers + 1) / 2 { // Docker takes long to read a log
		s.turns(calls...)
	}
}

func (s *setting) openLog(ctx context.Context, name, query string) (io.ReadCloser, error) {
	path := s.server.path("containers", name, "log") + query
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.server.base+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := s.server.client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("GET %s: %s", path, response.Status)
	}
	return response.Body, nil
}

// openLog opens a log as the docker command does.
func (c dockerClient) openLog(ctx context.Context, name string, options container.LogsOptions) (io.ReadCloser, error) {
	if _, err := c.ContainerInspect(ctx, name); err != nil {
		return nil, err
	}
	options.ShowStdout, options.ShowStderr = true, true
	return c.ContainerLogs(ctx, name, options)
}
