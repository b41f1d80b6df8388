// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/docker/docker/client"
)

// get asks the engine for what is at a path, past Docker's client, which decodes every answer.
func (c *connection) get(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	host, err := client.ParseHostURL(c.client.DaemonHost())
	if err != nil {
		return nil, err
	}
	path = "/v" + c.client.ClientVersion() + path
	target := url.URL{Scheme: "http", Host: host.Host, Path: host.Path + path, RawQuery: query.Encode()}
	if isLocal(c.client.DaemonHost()) {
		target.Host, target.Path = client.DummyHost, path
	}
	if c.transport.TLSClientConfig != nil {
		target.Scheme = "https"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	for name, value := range c.headers {
		request.Header.Set(name, value)
	}
	return c.transport.RoundTrip(request)
}

// answer returns what the engine says at a path, word for word, nil if there is nothing. It is false where Docker's client
// has to ask, who knows the meaning of errors.
func (c *connection) answer(ctx context.Context, path string) (_ []byte, ok bool) {
	response, err := c.get(ctx, path, nil)
	if err != nil {
		return nil, false
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return nil, false
	case response.StatusCode == http.StatusNotFound:
		return nil, true
	}
	return content, response.StatusCode == http.StatusOK
}
