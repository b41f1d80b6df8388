// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Command relay forwards answers and streams of a Docker Engine over TLS, with only Go's standard library. It neither
// interprets nor keeps them. So it shows the least cost that any server between an engine and its clients can have.
//
//	relay SOCKET ADDRESS CERTIFICATE
//
// A GET that accepts JSON gets the engine's answer. GET /?watch writes a line for each event, with an inspection of the object.
// A POST to /forward?address=ADDRESS upgrades to a connection with that address. Any other request and its answer pass as
// streams, upgraded ones too.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
)

func main() {
	socket, address, certificate := os.Args[1], os.Args[2], os.Args[3]
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}
	r := relay{&http.Client{Transport: transport}, &httputil.ReverseProxy{
		Transport: transport,
		Rewrite:   func(request *httputil.ProxyRequest) { request.SetURL(&url.URL{Scheme: "http", Host: "engine"}) },
	}}
	log.Fatal(http.ListenAndServeTLS(address, certificate, certificate, r))
}

type relay struct {
	engine  *http.Client
	streams http.Handler
}

func (r relay) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	var serve func(http.ResponseWriter, *http.Request) error
	switch {
	case request.URL.Query().Has("watch"):
		serve = r.watch
	case request.URL.Path == "/forward":
		serve = forward
	case request.Header.Get("Accept") == "application/json":
		serve = r.passOn
	default:
		r.streams.ServeHTTP(w, request)
		return
	}
	if err := serve(w, request); err != nil && request.Context().Err() == nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

// forward copies both ways between a client and an address until both have sent all.
func forward(w http.ResponseWriter, request *http.Request) error {
	to, err := (&net.Dialer{}).DialContext(request.Context(), "tcp", request.URL.Query().Get("address"))
	if err != nil {
		return err
	}
	defer to.Close()
	from, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer from.Close()
	if _, err := io.WriteString(from, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"); err != nil {
		return nil // the client has left
	}
	var copies sync.WaitGroup
	pass := func(to net.Conn, from io.Reader) {
		_, _ = io.Copy(to, from)
		if half, ok := to.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	}
	copies.Go(func() { pass(to, buffered) })
	copies.Go(func() { pass(from, to) })
	copies.Wait()
	return nil
}

func (r relay) passOn(w http.ResponseWriter, request *http.Request) error {
	answer, err := r.get(request.Context(), request.URL.RequestURI())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(answer)
	return err
}

func (r relay) get(ctx context.Context, path string) ([]byte, error) {
	answer, err := r.ask(ctx, path)
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	return io.ReadAll(answer)
}

func (r relay) ask(ctx context.Context, path string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine"+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := r.engine.Do(request)
	if err != nil {
		return nil, err
	}
	return response.Body, nil
}

// paths maps events that watchers of the server see to the paths that inspect their objects.
var paths = map[[2]string]string{
	{"container", "create"}:  "/containers/%s/json",
	{"container", "start"}:   "/containers/%s/json",
	{"container", "stop"}:    "/containers/%s/json",
	{"container", "destroy"}: "/containers/%s/json",
	{"image", "tag"}:         "/images/%s/json",
	{"volume", "create"}:     "/volumes/%s",
	{"volume", "destroy"}:    "/volumes/%s",
}

func (r relay) watch(w http.ResponseWriter, request *http.Request) error {
	filter := url.Values{"filters": {`{"type":{"container":true,"image":true,"volume":true}}`}}
	events, err := r.ask(request.Context(), "/events?"+filter.Encode())
	if err != nil {
		return err
	}
	defer events.Close()
	flusher := http.NewResponseController(w)
	for decoder := json.NewDecoder(events); ; {
		if err := flusher.Flush(); err != nil {
			return err
		}
		var event struct {
			Type, Action string
			Actor        struct {
				ID         string
				Attributes struct{ Name string }
			}
		}
		if err := decoder.Decode(&event); err != nil {
			return err
		}
		path, isVisible := paths[[2]string{event.Type, event.Action}]
		if !isVisible {
			continue
		}
		object, err := r.get(request.Context(), fmt.Sprintf(path, event.Actor.ID))
		if err != nil {
			return err
		}
		name := event.Actor.Attributes.Name
		if name == "" {
			name = event.Actor.ID
		}
		_, err = fmt.Fprintf(w, `{"kind":%q,"action":%q,"name":%q,"object":%s}`+"\n", event.Type, event.Action, name, bytes.TrimSpace(object))
		if err != nil {
			return err
		}
	}
}
