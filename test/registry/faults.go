// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Front is a proxy in front of a registry that can make it misbehave. Images that were pushed to the registry are there under
// the front's address too.
type Front struct {
	address string

	mu    sync.Mutex
	what  func(*http.Request) bool
	fault Fault
}

// Front starts a proxy in front of the registry. It passes everything on at first, and ends with the test.
func (r *Registry) Front(t testing.TB) *Front {
	f := &Front{}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: r.address})
	proxy.FlushInterval = -1
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		f.mu.Lock()
		what, fault := f.what, f.fault
		f.mu.Unlock()
		if fault == nil || !what(request) {
			proxy.ServeHTTP(w, request)
			return
		}
		fault(w, request, proxy)
	}))
	server.Config.ErrorLog = proxy.ErrorLog
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections() // else Close waits for answers that are held back
		server.Close()
	})
	f.address = server.Listener.Addr().String()
	return f
}

// Address returns the host and port of the front.
func (f *Front) Address() string { return f.address }

// Ref returns the reference under which the front serves an image of the registry, such as team/tool:v1.
func (f *Front) Ref(name string) string { return f.address + "/" + name }

// Misbehave makes the fault answer the requests for what, from now on. It replaces the fault before it.
func (f *Front) Misbehave(what func(*http.Request) bool, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.what, f.fault = what, fault
}

// Behave ends all faults. Answers that have begun stay as they are.
func (f *Front) Behave() { f.Misbehave(nil, nil) }

// Blobs are the requests for layers and configurations.
func Blobs(r *http.Request) bool { return strings.Contains(r.URL.Path, "/blobs/") }

// Manifests are the requests for manifests and indexes.
func Manifests(r *http.Request) bool { return strings.Contains(r.URL.Path, "/manifests/") }

// Everything is all requests.
func Everything(*http.Request) bool { return true }

// Fault answers a request in place of the registry. It may pass the request on.
type Fault func(w http.ResponseWriter, r *http.Request, registry http.Handler)

// Status answers with a status such as 500 or 429, and asks clients to try again after a second.
func Status(code int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Retry-After", "1")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, `{"errors":[{"code":"UNAVAILABLE","message":"the registry misbehaves with status `+strconv.Itoa(code)+`"}]}`)
	}
}

// CutOff breaks off the connection after n bytes of the answer's body. A shorter answer arrives whole.
func CutOff(n int) Fault {
	return changed(func(w http.ResponseWriter) func([]byte) []byte {
		left := n
		return func(data []byte) []byte {
			if left -= len(data); left >= 0 {
				return data
			}
			_, _ = w.Write(data[:len(data)+left])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	})
}

// WrongContent changes one byte of the answer's body, so that it does not have its digest.
func WrongContent() Fault {
	return changed(func(http.ResponseWriter) func([]byte) []byte {
		var done bool
		return func(data []byte) []byte {
			if done || len(data) == 0 {
				return data
			}
			done = true
			wrong := append([]byte(nil), data...)
			wrong[len(wrong)-1] ^= 1
			return wrong
		}
	})
}

// Slow lets through so many bytes of the answer's body in a second.
func Slow(bytesPerSecond int) Fault {
	return func(w http.ResponseWriter, r *http.Request, registry http.Handler) {
		const parts = 20 // in a second
		size := max(bytesPerSecond/parts, 1)
		ticker := time.NewTicker(time.Second / parts)
		defer ticker.Stop()
		left := 0 // of the part that may be sent now
		registry.ServeHTTP(writer{ResponseWriter: w, write: func(data []byte) (int, error) {
			written := 0
			for written < len(data) {
				if left == 0 {
					select {
					case <-ticker.C:
						left = size
					case <-r.Context().Done():
						return written, r.Context().Err()
					}
				}
				n, err := w.Write(data[written:min(written+left, len(data))])
				left -= n
				written += n
				if err != nil {
					return written, err
				}
				_ = http.NewResponseController(w).Flush()
			}
			return written, nil
		}}, r)
	}
}

// Gate holds answers back until it is released.
type Gate struct {
	bytes      int
	held, open chan struct{}
	first      sync.Once
}

// NewGate returns a gate that lets through n bytes of each answer's body before it holds back the rest.
func NewGate(n int) *Gate {
	return &Gate{bytes: n, held: make(chan struct{}), open: make(chan struct{})}
}

// Held returns a channel that is closed once an answer is held back.
func (g *Gate) Held() <-chan struct{} { return g.held }

// Release lets everything through from now on. Call it once.
func (g *Gate) Release() { close(g.open) }

// Hold is a fault that holds answers back at the gate.
func (g *Gate) Hold(w http.ResponseWriter, r *http.Request, registry http.Handler) {
	left := g.bytes
	registry.ServeHTTP(writer{ResponseWriter: w, write: func(data []byte) (int, error) {
		passed := min(left, len(data))
		left -= passed
		written, err := w.Write(data[:passed])
		if err != nil || passed == len(data) {
			return written, err
		}
		_ = http.NewResponseController(w).Flush()
		g.first.Do(func() { close(g.held) })
		select {
		case <-g.open:
		case <-r.Context().Done():
			return written, r.Context().Err()
		}
		more, err := w.Write(data[passed:])
		return written + more, err
	}}, r)
}

// changed returns a fault that passes the parts of the answer's body through a function, which it makes anew for each answer.
func changed(change func(http.ResponseWriter) func([]byte) []byte) Fault {
	return func(w http.ResponseWriter, r *http.Request, registry http.Handler) {
		part := change(w)
		registry.ServeHTTP(writer{ResponseWriter: w, write: func(data []byte) (int, error) {
			if _, err := w.Write(part(data)); err != nil {
				return 0, err
			}
			return len(data), nil
		}}, r)
	}
}

// writer is a ResponseWriter with another Write.
type writer struct {
	http.ResponseWriter
	write func([]byte) (int, error)
}

func (w writer) Write(data []byte) (int, error) { return w.write(data) }

// Unwrap lets http.ResponseController find the writer below.
func (w writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
