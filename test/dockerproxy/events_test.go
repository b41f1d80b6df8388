// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package dockerproxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/client"
)

// serve serves handler on a Unix socket, and returns the address of the socket.
func serve(t *testing.T, dir, name string, handler http.HandlerFunc) string {
	t.Helper()
	path := filepath.Join(dir, name)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return "unix://" + path
}

// newProxy returns a proxy for the engine at host, and a function that sends a GET request to the proxy.
func newProxy(t *testing.T, dir, host string) (*Proxy, func(uri string) *http.Response) {
	t.Helper()
	proxy, err := Start(dir, host)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", strings.TrimPrefix(proxy.Host(), "unix://"))
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		proxy.Close()
	})
	return proxy, func(uri string) *http.Response {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+client.DummyHost+uri, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		return response
	}
}

func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "proxy-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// numbers returns a handler that answers with the numbers from next, each as one event.
func numbers(next <-chan int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		for {
			select {
			case n, more := <-next:
				if !more {
					return
				}
				fmt.Fprintf(w, "%d\n", n)
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}
}

func TestEventsAreChangedOnTheirWay(t *testing.T) {
	dir, next := shortDir(t), make(chan int, 3)
	proxy, ask := newProxy(t, dir, serve(t, dir, "engine.sock", numbers(next)))
	stream := bufio.NewReader(ask("/v1.41/events").Body)
	read := func() string {
		t.Helper()
		line, err := stream.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(line)
	}
	next <- 0
	if got := read(); got != "0" {
		t.Errorf("the proxy changed 0 to %s without Tamper", got)
	}
	proxy.Tamper(func(_ context.Context, isLog bool, lines [][]byte) ([][]byte, error) {
		if isLog {
			t.Error("the proxy takes the stream for the log")
		}
		return slices.Concat(lines, lines), nil
	})
	next <- 1
	if got := []string{read(), read()}; !slices.Equal(got, []string{"1", "1"}) {
		t.Errorf("%s, want 1 twice", got)
	}
	proxy.Tamper(func(context.Context, bool, [][]byte) ([][]byte, error) {
		return [][]byte{[]byte("hal")}, errors.New("cut off")
	})
	next <- 2
	if rest, err := io.ReadAll(stream); string(rest) != "hal" || err == nil {
		t.Errorf("after the end in the middle of an event: %q, %v", rest, err)
	}
}

func TestALogIsChangedAsAWhole(t *testing.T) {
	dir := shortDir(t)
	proxy, ask := newProxy(t, dir, serve(t, dir, "engine.sock", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "0\n1\n2\n") }))
	proxy.Tamper(func(_ context.Context, isLog bool, lines [][]byte) ([][]byte, error) {
		if !isLog {
			t.Error("the proxy takes the log for a stream")
		}
		slices.Reverse(lines)
		return lines, nil
	})
	if got, err := io.ReadAll(ask("/v1.41/events?until=0").Body); string(got) != "2\n1\n0\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestDroppedConnectionsEndAndNewOnesLeadToTheNextEngine(t *testing.T) {
	dir, next := shortDir(t), make(chan int)
	proxy, ask := newProxy(t, dir, serve(t, dir, "one.sock", numbers(next)))
	response := ask("/v1.41/events")
	ended := make(chan error)
	go func() {
		_, err := io.ReadAll(response.Body)
		ended <- err
	}()
	if err := proxy.LeadTo(serve(t, dir, "two.sock", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "two") })); err != nil {
		t.Fatal(err)
	}
	proxy.Drop()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the stream ended without an error")
		}
	case <-time.After(time.Minute):
		t.Fatal("the stream goes on")
	}
	if got, err := io.ReadAll(ask("/v1.41/version").Body); string(got) != "two" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
