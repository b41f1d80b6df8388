// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

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

// get requests a path below the API version. It bypasses Docker's client, which decodes every answer.
func (c *connection) get(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	return c.getUnversioned(ctx, "/v"+c.client.ClientVersion()+path, query)
}

// getUnversioned is get without the API version in the path.
func (c *connection) getUnversioned(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	host, err := client.ParseHostURL(c.client.DaemonHost())
	if err != nil {
		return nil, err
	}
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

// ids returns the IDs in one of the engine's lists. If ok is false, the caller must use Docker's client instead.
func (c *connection) ids(ctx context.Context, path string, query url.Values) (ids []string, ok bool) {
	ok = c.eachItem(ctx, path, query, func(decode func(any) error) error {
		var item struct {
			ID string `json:"Id"`
		}
		err := decode(&item)
		ids = append(ids, item.ID)
		return err
	})
	return ids, ok
}

// eachItem calls read for each item of one of the engine's lists. read decodes only the fields that it needs, while
// Docker's client decodes all of them. If ok is false, the caller must use Docker's client instead.
func (c *connection) eachItem(ctx context.Context, path string, query url.Values, read func(decode func(any) error) error) (ok bool) {
	response, err := c.get(ctx, path, query)
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

// answer calls read with the bytes of the engine's answer at a path. It does not call read if the engine answers 404.
// read must not keep the bytes, because the buffer is used again. If ok is false, the caller must use Docker's client
// instead, which turns the engine's errors into typed errors.
func (c *connection) answer(ctx context.Context, path string, read func(answer []byte) error) (ok bool, err error) {
	response, err := c.get(ctx, path, nil)
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

// inspect returns what read makes of the engine's answer at a path. If Docker's client must be used instead, it returns
// what ask returns. It returns nil if the engine does not have the object.
func inspect[T any](ctx context.Context, e *Engine, path string, read func(answer []byte) (*T, error),
	ask func(context.Context, *client.Client) (*T, error)) (*T, error) {
	var found *T
	err := e.read(ctx, e.inspectTimeout, func(ctx context.Context, c *connection) error {
		ok, err := c.answer(ctx, path, func(answer []byte) (err error) {
			found, err = read(answer)
			return err
		})
		if !ok {
			found, err = ask(ctx, c.client)
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
