// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	//lint:ignore SA1019 spdy.Upgrader has its types
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
)

var errNoStatus = errors.New("the connection ended before the status came")

// newSPDYExecutor returns an executor that fails if the connection ends before the status has come. That of client-go takes
// this for success.
func newSPDYExecutor(config *rest.Config, u *url.URL) (remotecommand.Executor, error) {
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, err
	}
	told := &atomic.Bool{}
	executor, err := remotecommand.NewSPDYExecutorForTransports(transport, statusUpgrader{upgrader, told}, http.MethodPost, u)
	return statusExecutor{executor, told}, err
}

type statusExecutor struct {
	remotecommand.Executor
	told *atomic.Bool
}

// StreamWithContext implements remotecommand.Executor.
func (e statusExecutor) StreamWithContext(ctx context.Context, options remotecommand.StreamOptions) error {
	err := e.Executor.StreamWithContext(ctx, options)
	if err == nil && !e.told.Load() {
		err = errNoStatus
	}
	return err
}

// statusUpgrader notes whether something comes on the stream of the status.
type statusUpgrader struct {
	spdy.Upgrader
	told *atomic.Bool
}

// NewConnection implements spdy.Upgrader.
func (u statusUpgrader) NewConnection(response *http.Response) (httpstream.Connection, error) {
	conn, err := u.Upgrader.NewConnection(response)
	if err != nil {
		return nil, err
	}
	return statusConnection{conn, u.told}, nil
}

type statusConnection struct {
	httpstream.Connection
	told *atomic.Bool
}

// CreateStream implements httpstream.Connection.
func (c statusConnection) CreateStream(header http.Header) (httpstream.Stream, error) {
	stream, err := c.Connection.CreateStream(header)
	if err != nil || header.Get(corev1.StreamType) != corev1.StreamTypeError {
		return stream, err
	}
	return statusStream{stream, c.told}, nil
}

type statusStream struct {
	httpstream.Stream
	told *atomic.Bool
}

// Read implements io.Reader.
func (s statusStream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	if n > 0 {
		s.told.Store(true)
	}
	return n, err
}
