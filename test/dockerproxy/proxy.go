// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package dockerproxy is a proxy between a server and a Docker Engine in tests. It records the requests to the engine. It ends
// the test run if the server sends a request that it must not send. It can make requests fail or stall, change the engine's
// events, and lead to another engine.
package dockerproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// Request is a client's request to the engine, as the client sent it.
type Request struct{ Method, URI string }

// String returns the request as messages show it.
func (r Request) String() string { return r.Method + " " + r.URI }

// Fault answers a request in place of the engine, or returns false to let the engine answer.
type Fault func(http.ResponseWriter, *http.Request) bool

// Proxy is an endpoint that passes requests on to a Docker Engine.
type Proxy struct {
	socket string
	server *http.Server

	mu       sync.Mutex
	upstream string
	requests []Request
	open     map[*http.Request]Request
	fault    Fault
	events   Events
	timed    func(path string, took time.Duration)
	drop     chan struct{} // closed and replaced when connections are dropped
}

// Start starts a proxy for the engine at host, which is a unix:// address. Its socket is in dir. The path of dir must be short,
// because the length of a socket's path is limited. Close ends the proxy.
func Start(dir, host string) (*Proxy, error) {
	p := &Proxy{socket: filepath.Join(dir, "proxy.sock"), open: map[*http.Request]Request{}, drop: make(chan struct{})}
	if err := p.LeadTo(host); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", p.socket)
	if err != nil {
		return nil, fmt.Errorf("listening for the engine's clients: %w", err)
	}
	engine := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "engine"})
			r.Out.URL.Path, r.Out.URL.RawPath = r.In.URL.Path, r.In.URL.RawPath
		},
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", p.socketOfEngine())
		}, DisableKeepAlives: true},
		FlushInterval:  -1,
		ModifyResponse: p.pass,
		ErrorLog:       log.New(io.Discard, "", 0),
		// If the engine does not answer, the proxy breaks off the connection without an answer.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.server = &http.Server{
		ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// Docker may answer a request before it has read the body. This server would then discard the rest of the body,
			// and the proxy would break off.
			if r.ContentLength > 0 {
				if _, err := keepBody(r); err != nil {
					return // the client has gone
				}
			}
			fault, drop := p.record(r)
			defer p.end(r)
			defer p.time(r.URL.Path, time.Now())
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			go func() {
				select {
				case <-drop:
					cancel()
				case <-ctx.Done():
				}
			}()
			r = r.WithContext(ctx)
			if fault == nil || !fault(w, r) {
				engine.ServeHTTP(w, r)
			}
			if isClosed(drop) {
				panic(http.ErrAbortHandler)
			}
		}),
	}
	go p.server.Serve(listener)
	return p, nil
}

// refuse is called with a request that the server must never send. It ends the test run, even if no test checks the requests.
var refuse = func(r Request, why error) {
	// A server in this process may have the standard logger write elsewhere.
	fmt.Fprintf(os.Stderr, "the engine was sent a request that the server must not send: %s: %v\n", r, why)
	os.Exit(1)
}

var errNotListed = errors.New("it is not in connection.Requests")

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (p *Proxy) record(r *http.Request) (fault Fault, drop <-chan struct{}) {
	request := Request{r.Method, r.RequestURI}
	if found, listed := connection.FindRequest(r.Method, r.URL); !listed || !found.Body.Allows(r) {
		refuse(request, errNotListed)
	} else if err := checkBody(r); err != nil {
		refuse(request, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, request)
	p.open[r] = request
	return p.fault, p.drop
}

func (p *Proxy) end(r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, r)
}

// Open returns the requests that have not ended, with those whose connection carries the streams of a command.
func (p *Proxy) Open() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Values(p.open))
}

// Host returns the address of the proxy in the form that the docker command takes.
func (p *Proxy) Host() string { return "unix://" + p.socket }

// Requests returns the requests since the start or the last Reset.
func (p *Proxy) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Request(nil), p.requests...)
}

// Reset forgets the recorded requests.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = nil
}

// Time makes the proxy call observe at the end of each request from now on, with the path and the duration of the request.
func (p *Proxy) Time(observe func(path string, took time.Duration)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timed = observe
}

func (p *Proxy) time(path string, began time.Time) {
	p.mu.Lock()
	observe := p.timed
	p.mu.Unlock()
	if observe != nil {
		observe(path, time.Since(began))
	}
}

// Fail makes fault answer the requests from now on. If fault is nil, the engine answers them again.
func (p *Proxy) Fail(fault Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fault
}

// LeadTo makes the engine at host answer the requests from now on. host is a unix:// address.
func (p *Proxy) LeadTo(host string) error {
	socket, found := strings.CutPrefix(host, "unix://")
	if !found {
		return fmt.Errorf("%s is not the address of a Unix socket", host)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upstream = socket
	return nil
}

func (p *Proxy) socketOfEngine() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.upstream
}

// Drop breaks off all requests whose answer is not complete, such as event streams, as if the engine had died.
func (p *Proxy) Drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.drop)
	p.drop = make(chan struct{})
}

// Stall returns a fault that gives matching requests no answer. They wait until the client gives them up.
func Stall(match func(*http.Request) bool) Fault {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		if !match(r) {
			return false
		}
		<-r.Context().Done()
		return true
	}
}

// Refuse returns a fault that answers matching requests with 403, as a filter in front of an engine does.
func Refuse(match func(*http.Request) bool) Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if match(r) {
			http.Error(w, "Forbidden", http.StatusForbidden)
		}
		return match(r)
	}
}

// ToPath returns a function that matches the requests to one of the paths, such as /volumes, in any version of the API.
func ToPath(paths ...string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		return slices.ContainsFunc(paths, func(path string) bool { return versionPrefix.ReplaceAllString(r.URL.Path, "/") == path })
	}
}

var versionPrefix = regexp.MustCompile(`^/v[0-9.]+/`)

// Close ends the proxy and its connections.
func (p *Proxy) Close() error { return p.server.Close() }
