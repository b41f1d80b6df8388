// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
	"k8s.io/streaming/pkg/httpstream/wsstream"
)

// PortForward is the kind of sessions that forward ports.
const PortForward = "portforward"

// webSocketPortProtocols are those of clients that forward one connection for each port of the request.
var webSocketPortProtocols = []string{"v4.channel.k8s.io", "v4.base64.channel.k8s.io"}

// Dialer connects to ports.
type Dialer interface {
	// DialPort connects to a port. If the connection has a method CloseWrite, the end of what the client sends is
	// passed on by it.
	DialPort(ctx context.Context, port uint16) (net.Conn, error)
}

// Forward serves a request for a session that forwards connections to ports. ports are those of the request, which only
// clients with the protocol v4.channel.k8s.io need. Forward returns an error as Execute does.
//
// A port that cannot be reached fails that one connection. The client is told why if explain is true or the protocol is
// v4.channel.k8s.io. Otherwise the server only logs it, because most clients of SPDY take any text for the end of the session.
func (s *Sessions) Forward(w http.ResponseWriter, r *http.Request, name string, ports []int32, explain bool, dialer Dialer) error {
	channels, err := portChannels(r)
	if err != nil {
		return err
	}
	session, err := s.begin(r.Context(), PortForward)
	if err != nil {
		return err
	}
	defer session.end()
	conn := &hijacker{}
	defer conn.close()
	forwarder := &forwarder{session: session, dialer: dialer, channels: channels, explain: explain || channels}
	session.goroutines.Go(func() { session.guardPorts(forwarder, conn.close) })
	session.goroutines.Go(func() { session.beat(conn.ping) })

	serve := func(w http.ResponseWriter, r *http.Request) {
		// The session watches for silence.
		portforward.ServePortForward(w, r, forwarder, name, "", &portforward.V4Options{Ports: ports}, 0, creation, portforward.SupportedProtocols)
	}
	switch {
	case wsstream.IsWebSocketRequestWithTunnelingProtocol(r):
		conn.tunnel(w, r, serve)
	case channels:
		serve(&plainWriter{w, conn}, r)
	default:
		serve(&spdyWriter{w, conn}, r)
	}
	return nil
}

// portChannels reports whether the client uses one channel of a WebSocket for each port.
func portChannels(r *http.Request) (bool, error) {
	switch {
	case wsstream.IsWebSocketRequestWithTunnelingProtocol(r):
		offered, served := websocket.Subprotocols(r), []string{portforward.WebsocketsSPDYTunnelingPortForwardV1}
		return false, negotiable("WebSocket", offered, served)
	case wsstream.IsWebSocketRequest(r):
		served := append([]string{portforward.WebsocketsSPDYTunnelingPortForwardV1}, webSocketPortProtocols...)
		return true, negotiable("WebSocket", websocket.Subprotocols(r), served)
	case isSPDYRequest(r):
		return false, negotiable(spdy.HeaderSpdy31, headerValues(r, httpstream.HeaderProtocolVersion), portforward.SupportedProtocols)
	default:
		return false, errNoUpgrade()
	}
}

// guardPorts is guard for ports. A client that has connections is told by them why the session ends.
func (s *session) guardPorts(f *forwarder, abort func()) {
	s.awaitSilence()
	if !s.gone() && f.hasConnections() {
		timer := s.sessions.clock.NewTimer(linger)
		defer timer.Stop()
		select {
		case <-timer.C():
		case <-s.finished:
		}
	}
	abort()
}

// forwarder connects the streams of a session with ports.
type forwarder struct {
	session  *session
	dialer   Dialer
	channels bool // whether the client has one channel of a WebSocket for each port
	explain  bool // whether a client that reads why one connection failed keeps the others

	mu   sync.Mutex
	open int
	// told is whether a connection ended with the session. Its client is being told why.
	told bool
}

// hasConnections reports whether there were connections when the session ended.
func (f *forwarder) hasConnections() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open > 0 || f.told
}

// PortForward forwards one connection until the port closes it or the session ends. It uses the context of the session,
// because the caller's context never ends.
func (f *forwarder) PortForward(_ context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	ctx := f.session.ctx
	f.session.touch()
	f.mu.Lock()
	f.open++
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.open--
		f.told = f.told || ctx.Err() != nil
	}()
	conn, err := f.dialer.DialPort(ctx, uint16(port))
	switch {
	case err == nil:
		f.join(ctx, conn, stream)
	case !f.channels:
		// The caller resets the stream after an error. hangUp first waits until the client has been told that the stream
		// is there: a reset before that fails the client, and leaves goroutines behind here.
		hangUp(stream)
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && !f.explain:
		klog.FromContext(ctx).V(2).Info("A port was not reached", "port", port, "err", err)
		return nil
	default:
		return err
	}
}

// join copies both ways until conn has sent all, or the context ends.
func (f *forwarder) join(ctx context.Context, conn net.Conn, stream io.ReadWriteCloser) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	sent := make(chan struct{})
	f.session.goroutines.Go(func() {
		defer close(sent)
		if _, err := copyChunks(touching{conn, f.session.touch}, stream); err != nil {
			_ = conn.Close()
			return
		}
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	})
	_, _ = copyChunks(touching{stream, f.session.touch}, conn)
	_ = conn.Close()
	if ctx.Err() != nil {
		return // the stream ends after the client was told the cause
	}
	hangUp(stream)
	<-sent
}

// hangUp ends a stream after what was written to it. A reset of a closed stream sends nothing. It ends a read of the stream,
// and has the connection throw away what the client sends on it: frames that nobody reads would hold up the frames of other
// streams, and the end of the connection.
func hangUp(stream io.Closer) {
	_ = stream.Close()
	if resettable, ok := stream.(interface{ Reset() error }); ok {
		_ = resettable.Reset()
	}
}
