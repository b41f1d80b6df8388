// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cutoff has clients of sessions notice that a session was cut off.
package cutoff

import (
	"errors"
	"io"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	//lint:ignore SA1019 spdy.Upgrader has its types
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/transport/spdy"
)

// errCutOff is the error of a session that was cut off.
var errCutOff = errors.New("the connection to the server was lost before the server said how it ended")

// Upgrader is an Upgrader of sessions over SPDY. That of client-go takes a session that was cut off for one that ended well.
// The server always says how a session ended, so with this Upgrader a session without a word is an error.
type Upgrader struct{ spdy.Upgrader }

// NewConnection implements spdy.Upgrader.
func (u Upgrader) NewConnection(response *http.Response) (httpstream.Connection, error) {
	conn, err := u.Upgrader.NewConnection(response)
	if err != nil {
		return nil, err
	}
	return connection{conn}, nil
}

type connection struct{ httpstream.Connection }

// CreateStream implements httpstream.Connection.
func (c connection) CreateStream(headers http.Header) (httpstream.Stream, error) {
	created, err := c.Connection.CreateStream(headers)
	if err == nil && headers.Get(corev1.StreamType) == corev1.StreamTypeError {
		return &stream{Stream: created}, nil
	}
	return created, err
}

// stream is the stream on which the server says how a session ended.
type stream struct {
	httpstream.Stream
	hasSpoken bool
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	s.hasSpoken = s.hasSpoken || n > 0
	if errors.Is(err, io.EOF) && !s.hasSpoken {
		return n, errCutOff
	}
	return n, err
}
