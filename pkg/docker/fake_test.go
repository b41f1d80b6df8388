// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
)

// fake is an engine whose answers a test sets.
type fake struct {
	server *httptest.Server
	api    string
	podman bool

	mu       sync.Mutex
	stream   []string                         // the lines that the event stream brings
	added    chan struct{}                    // closed and replaced when stream gets more lines
	log      func(query string) (int, string) // the event log
	handlers map[string]http.HandlerFunc      // by method and path, without the API version
	asked    []string
	tenants  map[string]int // requests by their header X-Tenant
}

func startFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{api: "1.41", added: make(chan struct{}), handlers: map[string]http.HandlerFunc{}}
	f.log = func(string) (int, string) { return http.StatusOK, strings.Join(f.stream, "") }
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.CloseClientConnections)
	t.Cleanup(func() { go f.server.Close() })
	return f
}

func (f *fake) host() string { return "tcp://" + f.server.Listener.Addr().String() }

func (f *fake) bring(lines ...[]byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range lines {
		f.stream = append(f.stream, string(l)+"\n")
	}
	close(f.added)
	f.added = make(chan struct{})
}

func (f *fake) handle(path string, handler http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handlers[path] = handler
}

// fail makes the fake answer a call with an error in Docker's form.
func (f *fake) fail(path string, code int, message string) {
	f.handle(path, func(w http.ResponseWriter, _ *http.Request) { answer(w, code, map[string]string{"message": message}) })
}

func answer(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(value)
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if rest, found := strings.CutPrefix(path, "/v"); found {
		_, path, _ = strings.Cut(rest, "/")
		path = "/" + path
	}
	f.mu.Lock()
	f.asked = append(f.asked, r.Method+" "+path)
	if f.tenants == nil {
		f.tenants = map[string]int{}
	}
	f.tenants[r.Header.Get("X-Tenant")]++
	handler := f.handlers[r.Method+" "+path]
	f.mu.Unlock()
	w.Header().Set("Api-Version", f.api)
	switch {
	case handler != nil:
		handler(w, r)
	case path == "/_ping":
	case path == "/version":
		version := map[string]any{"Version": "fake", "ApiVersion": f.api}
		if f.podman {
			version["Components"] = []map[string]string{{"Name": "Podman Engine"}}
		}
		answer(w, http.StatusOK, version)
	case path == "/info":
		answer(w, http.StatusOK, map[string]any{"DriverStatus": [][2]string{{"driver-type", "io.containerd.snapshotter.v1"}}})
	case path == "/events" && r.URL.Query().Has("until"):
		f.mu.Lock()
		log := f.log
		code, text := log(r.URL.RawQuery)
		f.mu.Unlock()
		w.WriteHeader(code)
		_, _ = w.Write([]byte(text))
	case path == "/events":
		f.follow(w, r)
	case path == "/containers/json":
		answer(w, http.StatusOK, []container.Summary{})
	case path == "/images/json":
		answer(w, http.StatusOK, []image.Summary{})
	case path == "/volumes":
		answer(w, http.StatusOK, volume.ListResponse{})
	case path == "/networks":
		answer(w, http.StatusOK, []network.Summary{})
	default:
		answer(w, http.StatusNotFound, map[string]string{"message": "No such thing: " + path})
	}
}

func (f *fake) follow(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusOK)
	for sent := 0; ; {
		f.mu.Lock()
		lines, added := f.stream[sent:], f.added
		f.mu.Unlock()
		for _, l := range lines {
			_, _ = w.Write([]byte(l))
		}
		sent += len(lines)
		w.(http.Flusher).Flush()
		select {
		case <-added:
		case <-r.Context().Done():
			return
		}
	}
}

func (f *fake) count(call string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, a := range f.asked {
		if a == call {
			n++
		}
	}
	return n
}

func connectFake(t *testing.T, f *fake) *connected {
	t.Helper()
	x := connectTo(t, f.host(), nil)
	x.awaitConnection(t)
	return x
}
