// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package robustness

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned"
	"github.com/rancher-sandbox/engine-apiserver/test/dockerproxy"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// patience bounds each wait. It is long, because the machine may be loaded.
const patience = 3 * time.Minute

// system is an engine, a proxy in front of it, and a server in a process of its own. All end with the test.
type system struct {
	t      *testing.T
	engine *engine.Engine
	proxy  *dockerproxy.Proxy
	state  string
	port   string

	process *testserver.Process
	run     atomic.Int64
	clients *versioned.Clientset
	config  *rest.Config
}

func newSystem(t *testing.T, e *engine.Engine, args ...string) *system {
	t.Helper()
	socket, err := os.MkdirTemp("", "proxy-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(socket) })
	proxy, err := dockerproxy.Start(socket, e.Host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	s := &system{t: t, engine: e, proxy: proxy, state: t.TempDir(), port: testserver.FreePort(t, "127.0.0.1")}
	s.startServer(args...)
	s.process.Await(t, testserver.ServesEngine)
	s.config, err = clientcmd.BuildConfigFromFlags("", filepath.Join(s.state, "kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	s.config.QPS = -1
	s.clients = s.client()
	return s
}

// client returns a client with connections of its own.
func (s *system) client() *versioned.Clientset {
	s.t.Helper()
	config := rest.CopyConfig(s.config)
	config.Dial = (&net.Dialer{Timeout: time.Minute}).DialContext // client-go shares transports except with a custom dialer
	clients, err := versioned.NewForConfig(config)
	if err != nil {
		s.t.Fatal(err)
	}
	return clients
}

// startServer starts the next run of the server.
func (s *system) startServer(args ...string) {
	s.t.Helper()
	s.run.Add(1)
	s.process = testserver.StartProcess(s.t, append([]string{"serve", "--docker-host", s.proxy.Host(), "--secure-port", s.port,
		"--state-dir", s.state, "--resync-period", resyncPeriod.String(), "-v", "1"}, args...)...) // logs what a comparison has found
	s.process.Await(s.t, "engine-apiserver serves")
}

// killServer ends the server with SIGKILL.
func (s *system) killServer() {
	s.checkOutput()
	s.process.Kill()
}

// checkOutput fails the test if the server has panicked or the race detector has found a race.
func (s *system) checkOutput() {
	s.t.Helper()
	for _, bad := range []string{"DATA RACE", "panic:", "Observed a panic", "fatal error:"} {
		if output := s.process.Output(); strings.Contains(output, bad) {
			s.t.Fatalf("the server printed %q:\n%s", bad, output)
		}
	}
}

// awaitServing waits until the server answers a list.
func (s *system) awaitServing(ctx context.Context) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; sleep(ctx, 50*time.Millisecond) {
		attempt, cancel := context.WithTimeout(ctx, time.Minute)
		_, err := s.clients.ContainersV1alpha1().Containers(testserver.Namespace).List(attempt, metav1.ListOptions{})
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the server does not serve again: %v\n%s", err, s.goroutines())
		}
	}
}

// goroutines returns the stacks of the server's goroutines.
func (s *system) goroutines() string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	text, err := s.clients.RESTClient().Get().AbsPath("/debug/pprof/goroutine").Param("debug", "2").DoRaw(ctx)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// metric returns the sum of a metric of the server over all labels, or 0 if the server does not have it yet.
func (s *system) metric(ctx context.Context, name string) (sum float64, err error) {
	text, err := s.clients.RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading the server's metrics: %w", err)
	}
	for line := range bytes.Lines(text) {
		metric, value, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		if metric != name && !strings.HasPrefix(metric, name+"{") {
			continue
		}
		counted, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, fmt.Errorf("reading the server's metrics: %s: %w", line, err)
		}
		sum += counted
	}
	return sum, nil
}
