// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"context"
	"errors"
	"io"
)

// stream is a stream that the engine sends.
type stream struct {
	io.ReadCloser
	client  *Client
	current *Connection
	release func()
}

// Stream opens a stream that the engine sends. The stream lasts until it is closed, until ctx ends, or until the
// connection is lost. A stream that the engine did not end by itself ends with another error than io.EOF.
func (c *Client) Stream(ctx context.Context, open func(context.Context, *Connection) (io.ReadCloser, error)) (io.ReadCloser, error) {
	current, err := c.Current()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(current.ctx, cancel)
	s := &stream{client: c, current: current, release: func() {
		stop()
		cancel()
	}}
	if s.ReadCloser, err = open(ctx, current); err != nil {
		s.release()
		return nil, s.client.explainLoss(s.current, err)
	}
	return s, nil
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = s.client.explainLoss(s.current, err)
	}
	return n, err
}

// Close ends the request to the engine.
func (s *stream) Close() error {
	defer s.release()
	return s.ReadCloser.Close()
}
