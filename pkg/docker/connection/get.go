// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"
)

// Get requests a path below the API version. It bypasses Docker's client, which decodes every answer.
func (c *Connection) Get(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	return c.getUnversioned(ctx, "/v"+c.Docker.ClientVersion()+path, query)
}

// getUnversioned is Get without the API version in the path.
func (c *Connection) getUnversioned(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	request, err := c.request(ctx, http.MethodGet, path, query)
	if err != nil {
		return nil, err
	}
	return c.transport.RoundTrip(request)
}

// request returns a request for a path without a body.
func (c *Connection) request(ctx context.Context, method, path string, query url.Values) (*http.Request, error) {
	host, err := client.ParseHostURL(c.Docker.DaemonHost())
	if err != nil {
		return nil, err
	}
	target := url.URL{Scheme: "http", Host: host.Host, Path: host.Path + path, RawQuery: query.Encode()}
	if isLocal(c.Docker.DaemonHost()) {
		target.Host, target.Path = client.DummyHost, path
	}
	if c.transport.TLSClientConfig != nil {
		target.Scheme = "https"
	}
	request, err := http.NewRequestWithContext(ctx, method, target.String(), nil)
	if err != nil {
		return nil, err
	}
	for name, value := range c.headers {
		request.Header.Set(name, value)
	}
	return request, nil
}

// IDs returns the IDs in one of the engine's lists. If ok is false, the caller must use Docker's client instead.
func (c *Connection) IDs(ctx context.Context, path string, query url.Values) (ids []string, ok bool) {
	ok = c.EachItem(ctx, path, query, func(decode func(any) error) error {
		var item struct {
			ID string `json:"Id"`
		}
		err := decode(&item)
		ids = append(ids, item.ID)
		return err
	})
	return ids, ok
}

// EachItem calls read for each item of one of the engine's lists. read decodes only the fields that it needs, while
// Docker's client decodes all of them. If ok is false, the caller must use Docker's client instead.
func (c *Connection) EachItem(ctx context.Context, path string, query url.Values, read func(decode func(any) error) error) (ok bool) {
	response, err := c.Get(ctx, path, query)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	decoder := json.NewDecoder(response.Body)
	if _, err := decoder.Token(); err != nil || response.StatusCode != http.StatusOK {
		return false
	}
	for decoder.More() {
		if err := read(decoder.Decode); err != nil {
			return false
		}
	}
	_, err = decoder.Token()
	return err == nil
}

var answerBuffers = sync.Pool{New: func() any { return &bytes.Buffer{} }}

// Answer calls read with the bytes of the engine's answer at a path. It does not call read if the engine answers 404.
// read must not keep the bytes, because the buffer is used again. If ok is false, the caller must use Docker's client
// instead, which turns the engine's errors into typed errors.
func (c *Connection) Answer(ctx context.Context, path string, read func(answer []byte) error) (ok bool, err error) {
	response, err := c.Get(ctx, path, nil)
	if err != nil {
		return false, nil
	}
	defer response.Body.Close()
	buffer := answerBuffers.Get().(*bytes.Buffer)
	defer answerBuffers.Put(buffer)
	buffer.Reset()
	_, err = buffer.ReadFrom(response.Body)
	switch {
	case err != nil:
		return false, nil
	case response.StatusCode == http.StatusNotFound:
		return true, nil
	case response.StatusCode != http.StatusOK:
		return false, nil
	}
	return true, read(buffer.Bytes())
}

// Inspect returns what read makes of the engine's answer at a path. If Docker's client must be used instead, it returns
// what ask returns. It returns nil if the engine does not have the object.
func Inspect[T any](ctx context.Context, c *Client, path string, read func(answer []byte) (*T, error),
	ask func(context.Context, *client.Client) (*T, error)) (*T, error) {
	var found *T
	err := c.Read(ctx, c.InspectTimeout, func(ctx context.Context, c *Connection) error {
		ok, err := c.Answer(ctx, path, func(answer []byte) (err error) {
			found, err = read(answer)
			return err
		})
		if !ok {
			found, err = ask(ctx, c.Docker)
		}
		return err
	})
	if errdefs.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// ReadWhole decodes all of Docker's answer. Like the Docker client, it ignores anything after the first JSON value.
func ReadWhole[T any](answer []byte) (*T, error) {
	var response T
	if err := json.NewDecoder(bytes.NewReader(answer)).Decode(&response); err != nil {
		return nil, err
	}
	return &response, nil
}
