// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	//lint:ignore SA1019 spdy.Upgrader has its types
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/transport/spdy"
)

// errCutOff is the error of a session that was cut off.
var errCutOff = errors.New("the connection to the server was lost before the server said how it ended")

// outcomes is an Upgrader of sessions over SPDY. The library takes a session that was cut off for one that ended well. The
// server always says how a session ended, so with outcomes a session without a word is an error.
type outcomes struct{ spdy.Upgrader }

// NewConnection implements spdy.Upgrader.
func (o outcomes) NewConnection(response *http.Response) (httpstream.Connection, error) {
	conn, err := o.Upgrader.NewConnection(response)
	if err != nil {
		return nil, err
	}
	return outcomeConnection{conn}, nil
}

type outcomeConnection struct{ httpstream.Connection }

// CreateStream implements httpstream.Connection.
func (c outcomeConnection) CreateStream(headers http.Header) (httpstream.Stream, error) {
	stream, err := c.Connection.CreateStream(headers)
	if err == nil && headers.Get(corev1.StreamType) == corev1.StreamTypeError {
		return &outcomeStream{Stream: stream}, nil
	}
	return stream, err
}

// outcomeStream is the stream on which the server says how a session ended.
type outcomeStream struct {
	httpstream.Stream
	hasSpoken bool
}

// Read implements io.Reader.
func (s *outcomeStream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	s.hasSpoken = s.hasSpoken || n > 0
	if errors.Is(err, io.EOF) && !s.hasSpoken {
		return n, errCutOff
	}
	return n, err
}

// strictReader is an input whose failure ends the session. The library would take it for the end of the input.
type strictReader struct {
	io.Reader
	end context.CancelCauseFunc
}

// Read implements io.Reader. After a failure it does not return: the server would see the end of the input.
func (r strictReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.end(fmt.Errorf("reading the input: %w", err))
		select {}
	}
	return n, err
}

// strictWriter is an output whose failure ends the session. The library would drop what comes after it.
type strictWriter struct {
	io.Writer
	end context.CancelCauseFunc
}

// Write implements io.Writer.
func (w strictWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		w.end(fmt.Errorf("writing the output: %w", err))
	}
	return n, err
}
