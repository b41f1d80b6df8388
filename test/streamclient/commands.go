// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streamclient

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
)

// Executors are the ways in which client-go runs commands.
var Executors = map[string]func(*rest.Config, *url.URL) (remotecommand.Executor, error){
	"WebSocket by GET": func(config *rest.Config, u *url.URL) (remotecommand.Executor, error) {
		return remotecommand.NewWebSocketExecutor(config, http.MethodGet, u.String())
	},
	"SPDY by GET": func(config *rest.Config, u *url.URL) (remotecommand.Executor, error) {
		return remotecommand.NewSPDYExecutor(config, http.MethodGet, u)
	},
	"SPDY by POST": func(config *rest.Config, u *url.URL) (remotecommand.Executor, error) {
		return remotecommand.NewSPDYExecutor(config, http.MethodPost, u)
	},
}

// Run has a session with a container over one of Executors, and returns its standard output. path is the path of the
// subresource. stdin may be nil.
func Run(ctx context.Context, config *rest.Config, protocol, path string, query url.Values, stdin io.Reader) (string, error) {
	parameters := url.Values{"stdout": {"true"}}
	if stdin != nil {
		parameters.Set("stdin", "true")
	}
	for name, values := range query {
		parameters[name] = values
	}
	u, err := url.Parse(config.Host + path + "?" + parameters.Encode())
	if err != nil {
		return "", err
	}
	executor, err := Executors[protocol](config, u)
	if err != nil {
		return "", err
	}
	options := remotecommand.StreamOptions{Stdin: stdin}
	var output bytes.Buffer
	if parameters.Get("stdout") == "true" {
		options.Stdout = &output
	}
	err = executor.StreamWithContext(ctx, options)
	return output.String(), err
}
