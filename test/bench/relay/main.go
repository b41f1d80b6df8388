// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Command relay forwards answers of a Docker Engine over TLS and HTTP/2, with only Go's standard library. It neither interprets
// nor keeps them. So it shows the least cost that any server between an engine and its clients can have.
//
//	relay SOCKET ADDRESS CERTIFICATE
//
// GET forwards the engine's answer. GET /?watch writes a line for each event, with an inspection of the object.
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
	"net/url"
	"os"
)

func main() {
	socket, address, certificate := os.Args[1], os.Args[2], os.Args[3]
	r := relay{&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}}
	log.Fatal(http.ListenAndServeTLS(address, certificate, certificate, r))
}

type relay struct{ engine *http.Client }

func (r relay) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	serve := r.passOn
	if request.URL.Query().Has("watch") {
		serve = r.watch
	}
	if err := serve(w, request); err != nil && request.Context().Err() == nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
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
