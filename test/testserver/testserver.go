// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package testserver runs the real server, from its command line on, inside a test.
package testserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	logsapi "k8s.io/component-base/logs/api/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server"
)

// Namespace is where the server shows the engine.
const Namespace = "rancher-desktop"

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

// Stop ends the server as Ctrl-C does, and says what it ended with.
func (s *Server) Stop() error {
	s.cancel()
	select {
	case err := <-s.ended:
		s.ended <- err
		return err
	case <-time.After(time.Minute):
		return fmt.Errorf("the server has not ended within a minute")
	}
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
