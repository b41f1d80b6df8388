// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	clientportforward "k8s.io/client-go/tools/portforward"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
)

// hijacker takes over the connections of requests that are upgraded, and keeps hold of them. So a session can end its
// connection and write to its client, whatever holds up the streams above it.
type hijacker struct {
	mu     sync.Mutex
	conn   net.Conn
	framed *framedConn
	closed bool
}

// close ends the connection. A connection that is taken over later ends at once.
func (h *hijacker) close() {
	h.mu.Lock()
	h.closed = true
	conn := h.conn
	h.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
}

// ping writes to a client of SPDY. It fails if the client has gone.
func (h *hijacker) ping() error {
	h.mu.Lock()
	framed := h.framed
	h.mu.Unlock()
	if framed == nil {
		return nil
	}
	return framed.ping()
}

// hijack takes over the connection of a request. It has no deadlines: those that were set are for requests.
func (h *hijacker) hijack(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		_ = conn.Close()
		return nil, nil, fmt.Errorf("taking the deadlines off a connection: %w", err)
	}
	shared := &sharedConn{Conn: conn}
	h.mu.Lock()
	h.conn = shared
	closed := h.closed
	h.mu.Unlock()
	if closed {
		_ = shared.Close()
	}
	return shared, buffered, nil
}

// frame returns conn as a connection with SPDY frames. The reader may have read some of them already.
func (h *hijacker) frame(conn net.Conn, buffered *bufio.ReadWriter) (net.Conn, *bufio.ReadWriter) {
	framed := &framedConn{Conn: conn, source: conn}
	if buffered != nil {
		framed.source = buffered.Reader
	}
	h.mu.Lock()
	h.framed = framed
	h.mu.Unlock()
	return framed, bufio.NewReadWriter(bufio.NewReader(framed), bufio.NewWriter(framed))
}

// plainWriter upgrades to WebSocket.
type plainWriter struct {
	http.ResponseWriter
	hijacker *hijacker
}

// Hijack implements http.Hijacker.
func (w *plainWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.hijacker.hijack(w.ResponseWriter)
}

// spdyWriter upgrades to SPDY.
type spdyWriter struct {
	http.ResponseWriter
	hijacker *hijacker
}

// Hijack implements http.Hijacker.
func (w *spdyWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := w.hijacker.hijack(w.ResponseWriter)
	if err != nil {
		return nil, nil, err
	}
	conn, buffered = w.hijacker.frame(conn, buffered)
	return conn, buffered, nil
}

// tunnel upgrades a request to WebSocket, and calls serve with a request for the SPDY connection in its messages.
// The tunnel of k8s.io/apiserver would send each message in three pieces, because its buffer has only 4 KiB.
func (h *hijacker) tunnel(w http.ResponseWriter, r *http.Request, serve func(w http.ResponseWriter, r *http.Request)) {
	conn, err := newUpgrader(portforward.WebsocketsSPDYTunnelingPortForwardV1).Upgrade(&plainWriter{w, h}, r, nil)
	if err != nil {
		return // The client was told why, or did not wait for the answer.
	}
	request := r.Clone(r.Context())
	request.Header.Set(httpstream.HeaderConnection, httpstream.HeaderUpgrade)
	request.Header.Set(httpstream.HeaderUpgrade, spdy.HeaderSpdy31)
	request.Header.Set(httpstream.HeaderProtocolVersion, portforward.PortForwardV1Name)
	logger := klog.LoggerWithName(klog.FromContext(r.Context()), "tunnel")
	serve(&tunnelWriter{http.Header{}, h, clientportforward.NewTunnelingConnectionWithLogger(logger, conn)}, request)
}

// tunnelWriter upgrades to SPDY in a connection whose client was answered already.
type tunnelWriter struct {
	header   http.Header
	hijacker *hijacker
	conn     net.Conn
}

// Header implements http.ResponseWriter.
func (w *tunnelWriter) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *tunnelWriter) WriteHeader(int) {}

// Write implements http.ResponseWriter.
func (w *tunnelWriter) Write([]byte) (int, error) { return 0, http.ErrHijacked }

// Hijack implements http.Hijacker.
func (w *tunnelWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered := w.hijacker.frame(w.conn, nil)
	return conn, buffered, nil
}

// sharedConn may be closed by several callers. Only the first one gets the error.
type sharedConn struct {
	net.Conn
	once sync.Once
}

// Close implements net.Conn.
func (c *sharedConn) Close() error {
	var err error
	c.once.Do(func() { err = c.Conn.Close() })
	return err
}
