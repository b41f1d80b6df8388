// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package streams tests the subresources of containers with the real server of a real Docker Engine.
package streams

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/test/dockerproxy"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

const containers = "/apis/containers.rancherdesktop.io/v1alpha1/namespaces/" + testserver.Namespace + "/containers/"

var eng *engine.Engine

func TestMain(m *testing.M) { os.Exit(engine.Main(m, &eng)) }

// client is a client of a server. It does not retry.
type client struct {
	*http.Client
	host string
}

// serve starts a server for the test's engine.
func serve(t *testing.T, args ...string) *client {
	t.Helper()
	return clientOf(t, testserver.Start(t, eng.Host(), args...).Config(t))
}

// serveBehindProxy starts a server whose requests to the engine pass a proxy.
func serveBehindProxy(t *testing.T, args ...string) (*dockerproxy.Proxy, *rest.Config) {
	t.Helper()
	dir, err := os.MkdirTemp("", "streams-") // t.TempDir() may be too long for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	proxy, err := dockerproxy.Start(dir, eng.Host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	return proxy, testserver.Start(t, proxy.Host(), args...).Config(t)
}

func clientOf(t *testing.T, config *rest.Config) *client {
	t.Helper()
	c, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return &client{c, config.Host}
}

func (c *client) do(t *testing.T, method, path, body string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, c.host+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

// ask sends a request and returns the code and the whole body of its answer.
func (c *client) ask(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	response := c.do(t, method, path, body)
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return response.StatusCode, string(content)
}

// log returns the whole log of a container.
func (c *client) log(t *testing.T, nameAndQuery string) string {
	t.Helper()
	name, query, _ := strings.Cut(nameAndQuery, "?")
	code, body := c.ask(t, http.MethodGet, containers+name+"/log?"+query, "")
	if code != http.StatusOK {
		t.Fatalf("the log of %s: %d %s", nameAndQuery, code, body)
	}
	return body
}

// refused checks that a request gets an error with this code and these words.
func (c *client) refused(t *testing.T, method, path, body string, code int, words string) {
	t.Helper()
	if got, text := c.ask(t, method, path, body); got != code || !strings.Contains(text, words) {
		t.Errorf("%s %s %s: %d %s, want %d %s", method, path, body, got, text, code, words)
	}
}

// lines reads the log of a container line by line.
func (c *client) lines(t *testing.T, nameAndQuery string) *bufio.Reader {
	t.Helper()
	name, query, _ := strings.Cut(nameAndQuery, "?")
	response := c.do(t, http.MethodGet, containers+name+"/log?"+query, "")
	if response.StatusCode != http.StatusOK {
		t.Fatalf("the log of %s: %s", nameAndQuery, response.Status)
	}
	return bufio.NewReader(response.Body)
}

func expectLine(t *testing.T, lines *bufio.Reader, want string) {
	t.Helper()
	if line, err := lines.ReadString('\n'); line != want+"\n" || err != nil {
		t.Fatalf("the line %q, want %q: %v", line, want, err)
	}
}

// script makes the container run a script.
func script(text string) engine.ContainerOption { return engine.Command("sh", "-c", text) }

// onSignal is a script that runs some text at each SIGHUP, and another one before the first.
func onSignal(first, text string) engine.ContainerOption {
	return script("trap '" + text + "' HUP; " + first + "; while :; do sleep 3600 & wait; done")
}

func withTTY(config *container.Config, _ *container.HostConfig) { config.Tty = true }

// runToEnd runs a container and waits until it has ended.
func runToEnd(t *testing.T, name string, options ...engine.ContainerOption) string {
	t.Helper()
	id := eng.Run(t, name, options...)
	ended, errs := eng.Client().ContainerWait(t.Context(), id, container.WaitConditionNotRunning)
	select {
	case <-ended:
	case err := <-errs:
		t.Fatal(err)
	}
	return id
}

func signal(t *testing.T, id string) {
	t.Helper()
	if err := eng.Client().ContainerKill(t.Context(), id, "HUP"); err != nil {
		t.Fatal(err)
	}
}
