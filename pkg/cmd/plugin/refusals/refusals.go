// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package refusals keeps a client that forwards ports from ending when the server cannot make a single connection.
package refusals

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// Dialer is a Dialer for the ports of a container. client-go ends all connections when it reads anything on the error stream
// of one. This Dialer takes out of these streams why a single connection was not made.
type Dialer struct {
	httpstream.Dialer
	// Tell is called for each connection that was not made. Calls may overlap.
	Tell func(port, reason string)
}

// Dial implements httpstream.Dialer.
func (d Dialer) Dial(protocols ...string) (httpstream.Connection, string, error) {
	conn, protocol, err := d.Dialer.Dial(protocols...)
	if err != nil {
		return nil, "", err
	}
	return connection{conn, d.Tell}, protocol, nil
}

type connection struct {
	httpstream.Connection
	tell func(port, reason string)
}

// CreateStream implements httpstream.Connection.
func (c connection) CreateStream(headers http.Header) (httpstream.Stream, error) {
	created, err := c.Connection.CreateStream(headers)
	if err != nil || headers.Get(corev1.StreamType) != corev1.StreamTypeError {
		return created, err
	}
	port := headers.Get(corev1.PortHeader)
	return &stream{Stream: created, tell: func(reason string) { c.tell(port, reason) }}, nil
}

// stream is the error stream of one connection. One goroutine reads it.
type stream struct {
	httpstream.Stream
	tell func(reason string)
	rest *bytes.Reader // nil until the first Read
	err  error
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	if s.rest == nil {
		var text []byte
		text, s.err = io.ReadAll(s.Stream)
		if _, reason, isRefusal := strings.Cut(string(text), v1alpha1.PortForwardRefusal); isRefusal {
			s.tell(reason)
			text = nil
		}
		s.rest = bytes.NewReader(text)
	}
	n, err := s.rest.Read(p)
	if err != nil && s.err != nil {
		err = s.err
	}
	return n, err
}
