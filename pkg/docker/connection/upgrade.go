// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/containerd/errdefs/pkg/errhttp"
)

// maxRefusal bounds how much of an answer that refuses an upgrade is read.
const maxRefusal = 64 << 10

// Upgraded is a connection to the engine that carries the streams of one command or container. It ends with the
// connection to the engine that it was made on.
type Upgraded struct {
	io.ReadWriteCloser
	client  *Client
	current *Connection
	stop    func() bool
}

// Upgrade sends a request that the engine answers by a connection for streams. The request passes the list of allowed
// requests. Docker's own client would open such a connection past the list, so it cannot. Errors have Docker's words. ctx
// ends the request, but not the connection. The caller closes it.
func (c *Client) Upgrade(ctx context.Context, path string, query url.Values, body any) (*Upgraded, error) {
	current, err := c.Current()
	if err != nil {
		return nil, err
	}
	conn, err := current.upgrade(ctx, path, query, body)
	if err != nil {
		return nil, c.explainLoss(current, err)
	}
	return &Upgraded{conn, c, current, context.AfterFunc(current.ctx, func() { _ = conn.Close() })}, nil
}

// Close implements io.Closer.
func (u *Upgraded) Close() error {
	u.stop()
	return u.ReadWriteCloser.Close()
}

// CloseWrite tells the engine that nothing more is sent.
func (u *Upgraded) CloseWrite() error {
	half, ok := u.ReadWriteCloser.(interface{ CloseWrite() error })
	if !ok {
		return fmt.Errorf("ending the input: %w", http.ErrNotSupported)
	}
	return half.CloseWrite()
}

// Explain returns the API error for err if the engine was lost meanwhile, else err. Call it also if the streams ended
// without an error: that is how an engine which ends leaves them.
func (u *Upgraded) Explain(err error) error { return u.client.explainLoss(u.current, err) }

func (c *Connection) upgrade(ctx context.Context, path string, query url.Values, body any) (io.ReadWriteCloser, error) {
	request, err := c.request(ctx, http.MethodPost, "/v"+c.Docker.ClientVersion()+path, query)
	if err != nil {
		return nil, err
	}
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(encoded)), int64(len(encoded))
		request.Header.Set("Content-Type", string(inJSON))
	}
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "tcp")
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if conn, ok := response.Body.(io.ReadWriteCloser); ok && response.StatusCode == http.StatusSwitchingProtocols {
		return conn, nil
	}
	defer response.Body.Close()
	return nil, refusedUpgrade(response)
}

// refusedUpgrade returns the typed error for an answer, with Docker's words.
func refusedUpgrade(response *http.Response) error {
	var refusal struct{ Message string }
	if json.NewDecoder(io.LimitReader(response.Body, maxRefusal)).Decode(&refusal) != nil || refusal.Message == "" {
		refusal.Message = "the container engine answered " + response.Status
	}
	kind := errhttp.ToNative(response.StatusCode)
	if worded, ok := kind.(interface{ WithMessage(string) error }); ok {
		return worded.WithMessage(refusal.Message)
	}
	return fmt.Errorf("%s: %w", refusal.Message, kind)
}
