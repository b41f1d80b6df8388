// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package sessions tests sessions with containers through the real server of a real Docker Engine.
package sessions

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	clientexec "k8s.io/client-go/util/exec"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

const (
	containers = "/apis/containers.rancherdesktop.io/v1alpha1/namespaces/" + testserver.Namespace + "/containers/"

	// patience bounds each wait.
	patience = 2 * time.Minute
)

var eng *engine.Engine

func TestMain(m *testing.M) { os.Exit(engine.Main(m, &eng)) }

// protocols are the ways in which client-go runs commands.
var protocols = map[string]func(*rest.Config, *url.URL) (remotecommand.Executor, error){
	"WebSocket": func(config *rest.Config, u *url.URL) (remotecommand.Executor, error) {
		return remotecommand.NewWebSocketExecutor(config, http.MethodGet, u.String())
	},
	"SPDY": func(config *rest.Config, u *url.URL) (remotecommand.Executor, error) {
		return remotecommand.NewSPDYExecutor(config, http.MethodPost, u)
	},
}

// session is a session of a client.
type session struct {
	config   *rest.Config
	protocol string
	// path is the container and the subresource, such as "web/exec".
	path  string
	query url.Values
}

func exec(config *rest.Config, name string, command ...string) session {
	return session{config, "WebSocket", name + "/exec", url.Values{"command": command}}
}

// over returns the session over another protocol.
func (s session) over(protocol string) session {
	s.protocol = protocol
	return s
}

// with returns the session with one more parameter.
func (s session) with(name, value string) session {
	query := url.Values{name: {value}}
	for other, values := range s.query {
		query[other] = append(query[other], values...)
	}
	s.query = query
	return s
}

// stream has the session with the streams that are not nil.
func (s session) stream(ctx context.Context, streams remotecommand.StreamOptions) error {
	for name, is := range map[string]bool{"stdin": streams.Stdin != nil, "stdout": streams.Stdout != nil, "stderr": streams.Stderr != nil, "tty": streams.Tty} {
		if is {
			s = s.with(name, "true")
		}
	}
	u, err := url.Parse(s.config.Host + containers + s.path + "?" + s.query.Encode())
	if err != nil {
		return err
	}
	executor, err := protocols[s.protocol](s.config, u)
	if err != nil {
		return err
	}
	return executor.StreamWithContext(ctx, streams)
}

// run has the session with that input, which may be nil, and returns both outputs.
func (s session) run(t *testing.T, stdin io.Reader) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errOut bytes.Buffer
	err = s.stream(ctx, remotecommand.StreamOptions{Stdin: stdin, Stdout: &out, Stderr: &errOut})
	return out.String(), errOut.String(), err
}

// codeOf returns the exit code that an error stands for, or -1.
func codeOf(err error) int {
	var exit clientexec.CodeExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.Code
	}
	return -1
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually polls a condition, and fails the test if it does not hold within patience.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
	}
}

func receive[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatalf("timed out waiting for %s", what)
		panic("unreachable")
	}
}
