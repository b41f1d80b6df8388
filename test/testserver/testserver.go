// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package testserver runs the real server, from its command line on, inside a test.
package testserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/metrics/legacyregistry"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server"
)

// Namespace is where the server shows the engine.
const Namespace = "rancher-desktop"

// refusedRequests is the metric of requests that were kept from the engine.
const refusedRequests = "engine_apiserver_refused_engine_requests_total"

// A process that has one server after another sets up the same logging again.
func init() { logsapi.ReapplyHandling = logsapi.ReapplyHandlingIgnoreUnchanged }

// Server is a standalone server on a free port.
type Server struct {
	// Kubeconfig is the file that the server wrote for its users.
	Kubeconfig string
	// Announced is the first line that the server printed.
	Announced string

	lines  *bufio.Scanner
	cancel context.CancelFunc
	ended  chan error
}

// Start runs a server for the engine at host and returns when it has said that it serves. It ends with the test.
func Start(t testing.TB, host string, args ...string) *Server {
	t.Helper()
	s, err := Run(t.TempDir(), host, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Run is Start outside of a test: the caller names a directory for the server's state and stops it.
func Run(stateDir, host string, args ...string) (*Server, error) {
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	command := server.NewCommand()
	command.SetOut(writer)
	command.SetArgs(append([]string{"serve", "--docker-host", host, "--secure-port", "0", "--state-dir", stateDir}, args...))
	s := &Server{
		Kubeconfig: filepath.Join(stateDir, "kubeconfig"),
		lines:      bufio.NewScanner(reader),
		cancel:     cancel,
		ended:      make(chan error, 1),
	}
	go func() {
		err := command.ExecuteContext(ctx)
		s.ended <- err
		writer.CloseWithError(io.EOF)
	}()
	if !s.lines.Scan() {
		cancel()
		return nil, fmt.Errorf("the server ended before it served: %w", <-s.ended)
	}
	s.Announced = s.lines.Text()
	go func() {
		for s.lines.Scan() { // what else it says must not hold it up
		}
	}()
	return s, nil
}

// Stop ends the server as Ctrl-C does, and says what it ended with. It is an error, too, if the server made a request to its
// engine that it must not make.
func (s *Server) Stop() error {
	s.cancel()
	select {
	case err := <-s.ended:
		s.ended <- err
		return errors.Join(err, checkRequests())
	case <-time.After(time.Minute):
		return fmt.Errorf("the server has not ended within a minute")
	}
}

// checkRequests fails if any server of this process made a request that was kept from its engine.
func checkRequests() error {
	families, err := legacyregistry.DefaultGatherer.Gather()
	if err != nil {
		return fmt.Errorf("reading the metrics: %w", err)
	}
	for _, family := range families {
		if family.GetName() != refusedRequests {
			continue
		}
		if n := family.GetMetric()[0].GetCounter().GetValue(); n > 0 {
			return fmt.Errorf("%v requests that are not in docker.Requests were kept from the engine", n)
		}
		return nil
	}
	return fmt.Errorf("the server has no metric %s", refusedRequests)
}

// Config is how a client reaches the server. It does not throttle itself.
func (s *Server) Config(t testing.TB) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	return config
}
