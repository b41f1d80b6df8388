// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package testserver runs the real server with its command line, inside a test process or as a process of its own.
package testserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/metrics/legacyregistry"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// Namespace is the Kubernetes namespace in which the server shows the engine.
const Namespace = "rancher-desktop"

// ServesEngine is in the line that the server prints when it has tried to read all that the engine holds. If that takes long, the
// server first prints another line.
const ServesEngine = "serves Docker Engine"

// refusedRequests is the metric that counts requests that the server's transport refused to send to the engine.
const refusedRequests = "engine_apiserver_refused_engine_requests_total"

// Each server of a test process sets up logging again. That is an error by default.
func init() { logsapi.ReapplyHandling = logsapi.ReapplyHandlingIgnoreUnchanged }

// Server is a standalone server on a free port.
type Server struct {
	// Kubeconfig is the file that the server wrote for its users.
	Kubeconfig string
	// Announced is the line with which the server has started.
	Announced string

	cancel context.CancelFunc
	ended  chan error
}

// Start runs a server for the engine at host and waits until it has tried to read all that the engine holds. The server ends
// with the test.
func Start(t testing.TB, host string, args ...string) *Server {
	t.Helper()
	s, err := Run(t.TempDir(), host, args...)
	return endWith(t, s, err)
}

// StartUnread is like Start, but waits only until the server serves. It is for an engine that cannot be read yet.
func StartUnread(t testing.TB, host string, args ...string) *Server {
	t.Helper()
	s, err := RunUnread(t.TempDir(), host, args...)
	return endWith(t, s, err)
}

// endWith ends a server with the test. The test fails if the server has not started.
func endWith(t testing.TB, s *Server, err error) *Server {
	t.Helper()
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

// Run is like Start, but needs no test. The caller chooses the state directory and must stop the server.
func Run(stateDir, host string, args ...string) (*Server, error) {
	return run(ServesEngine, stateDir, host, args)
}

// RunUnread is like StartUnread, but needs no test. The caller chooses the state directory and must stop the server.
func RunUnread(stateDir, host string, args ...string) (*Server, error) {
	return run("engine-apiserver serves", stateDir, host, args)
}

// run returns when the server has printed a line with the words.
func run(words, stateDir, host string, args []string) (*Server, error) {
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	command := server.NewCommand()
	command.SetOut(writer)
	command.SetArgs(append([]string{"serve", "--docker-host", host, "--secure-port", "0", "--state-dir", stateDir}, args...))
	s := &Server{
		Kubeconfig: filepath.Join(stateDir, "kubeconfig"),
		cancel:     cancel,
		ended:      make(chan error, 1),
	}
	go func() {
		err := command.ExecuteContext(ctx)
		s.ended <- err
		writer.CloseWithError(io.EOF)
	}()
	lines, started := make(chan string), make(chan struct{})
	defer close(started)
	go func() { // reads all of the output, so that the server never blocks on it
		defer close(lines)
		for scanner := bufio.NewScanner(reader); scanner.Scan(); {
			select {
			case lines <- scanner.Text():
			case <-started:
			}
		}
	}()
	for deadline := time.After(timeout); !strings.Contains(s.Announced, words); {
		select {
		case line, more := <-lines:
			if !more {
				cancel()
				return nil, fmt.Errorf("the server ended before it served: %w", <-s.ended)
			}
			s.Announced = line
		case <-deadline:
			return nil, errors.Join(fmt.Errorf("the server does not say %q, but %q", words, s.Announced), s.Stop())
		}
	}
	return s, nil
}

// Stop ends the server as Ctrl-C does, and returns the server's error. It also returns an error if the server tried to send a
// request to its engine that is not allowed.
func (s *Server) Stop() error {
	s.cancel()
	select {
	case err := <-s.ended:
		s.ended <- err
		return errors.Join(err, checkRequests())
	case <-time.After(time.Minute):
		return fmt.Errorf("stopping the server: it has not ended within a minute")
	}
}

// checkRequests returns an error if the transport of any server in this process refused a request to the engine.
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
			return fmt.Errorf("the server tried to send %v requests to the engine that are not in docker.Requests", n)
		}
		return nil
	}
	return fmt.Errorf("the server has no metric %s", refusedRequests)
}

// Config returns a client configuration for the server, without a client-side rate limit.
func (s *Server) Config(t testing.TB) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	return config
}

// Serving runs the tests of a package with one server for its engine. Pass it to engine.Main.
type Serving struct {
	Tests  interface{ Run() int }
	Engine **engine.Engine
	Server **Server
	// Prepare prepares a directory that lives as long as the server. It may be nil.
	Prepare func(dir string) error
}

// Run returns the exit code of the test process.
func (s Serving) Run() int {
	code, err := s.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func (s Serving) run() (code int, err error) {
	dir, err := os.MkdirTemp("", "serving")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if s.Prepare != nil {
		if err := s.Prepare(dir); err != nil {
			return 0, err
		}
	}
	if *s.Server, err = Run(dir, (*s.Engine).Host()); err != nil {
		return 0, err
	}
	code = s.Tests.Run()
	return code, (*s.Server).Stop()
}
