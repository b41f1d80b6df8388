// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
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

// tunnelWriter upgrades to SPDY in the messages of a WebSocket. proxy.TunnelingHandler expects the answer of a server
// behind it, and reads it from the connection.
type tunnelWriter struct {
	http.ResponseWriter
	hijacker *hijacker
}

// WriteHeader leaves the answer to the upgrade to Hijack.
func (w *tunnelWriter) WriteHeader(code int) {
	if code != http.StatusSwitchingProtocols {
		w.ResponseWriter.WriteHeader(code)
	}
}

// Hijack implements http.Hijacker.
func (w *tunnelWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, _, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	var answer bytes.Buffer
	fmt.Fprintf(&answer, "HTTP/1.1 %d %s\r\n", http.StatusSwitchingProtocols, http.StatusText(http.StatusSwitchingProtocols))
	if err := w.Header().Write(&answer); err != nil {
		return nil, nil, err
	}
	answer.WriteString("\r\n")
	if _, err := conn.Write(answer.Bytes()); err != nil {
		return nil, nil, fmt.Errorf("answering the request for a tunnel: %w", err)
	}
	conn, buffered := w.hijacker.frame(conn, nil)
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
