// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"context"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"

	dockercontext "github.com/docker/cli/cli/context"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

// hijacks are all methods of Docker's client that open connections by themselves.
var hijacks = map[string]func(context.Context, *client.Client) error{
	"attach": func(ctx context.Context, c *client.Client) error {
		_, err := c.ContainerAttach(ctx, dockertest.IDA, container.AttachOptions{Stream: true, Stdout: true})
		return err
	},
	"attach to a command": func(ctx context.Context, c *client.Client) error {
		_, err := c.ContainerExecAttach(ctx, dockertest.IDA, container.ExecAttachOptions{})
		return err
	},
	"a session of a build": func(ctx context.Context, c *client.Client) error {
		_, err := c.DialHijack(ctx, "/session", "h2c", nil)
		return err
	},
	"a raw connection": func(ctx context.Context, c *client.Client) error {
		_, err := c.Dialer()(ctx)
		return err
	},
}

func TestDockersClientOpensNoConnectionPastTheList(t *testing.T) {
	dockertest.Home(t)
	var opened atomic.Int32
	start := func(listener net.Listener, start func(*httptest.Server)) *httptest.Server {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Api-Version", "1.51")
		}))
		if listener != nil {
			server.Listener.Close()
			server.Listener = listener
		}
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				opened.Add(1)
			}
		}
		start(server)
		t.Cleanup(server.Close)
		return server
	}
	socket := filepath.Join(t.TempDir(), "docker.sock")
	local, err := net.Listen("unix", socket)
	dockertest.Must(t, err)
	start(local, (*httptest.Server).Start)
	plain := start(nil, (*httptest.Server).Start)
	secure := start(nil, (*httptest.Server).StartTLS)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	dockertest.AddContext(t, "secure", "tcp://"+secure.Listener.Addr().String(), &dockercontext.TLSData{CA: ca})

	for what, test := range map[string]struct{ host, context string }{
		"socket": {"unix://" + socket, ""},
		"TCP":    {"tcp://" + plain.Listener.Addr().String(), ""},
		"TLS":    {"", "secure"},
	} {
		t.Setenv("DOCKER_CONTEXT", test.context)
		e, err := Resolve(test.host, Full)
		dockertest.Must(t, err)
		c, _, err := e.client()
		dockertest.Must(t, err)
		before := opened.Load()
		if _, err := c.Ping(t.Context()); err != nil || opened.Load() != before+1 {
			t.Errorf("%s: a request on the list: %v, %d connections", what, err, opened.Load()-before)
		}
		before = opened.Load()
		for name, hijack := range hijacks {
			refused := refusals(t)
			if err := hijack(t.Context(), c); !dockertest.Contains(err, "is kept from the container engine") || refusals(t) != refused+1 {
				t.Errorf("%s, %s: %v, %v refusals", what, name, err, refusals(t)-refused)
			}
		}
		if n := opened.Load() - before; n != 0 {
			t.Errorf("%s: the engine got %d connections past the list", what, n)
		}
	}
}
