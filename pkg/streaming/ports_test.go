// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"

	"github.com/rancher-sandbox/engine-apiserver/test/streamclient"
)

const (
	echoPort   = 7
	closedPort = 9
)

// dialerFunc is a Dialer.
type dialerFunc func(ctx context.Context, port uint16) (net.Conn, error)

func (f dialerFunc) DialPort(ctx context.Context, port uint16) (net.Conn, error) { return f(ctx, port) }

// ports serves the ports of a dialer.
func ports(dialer dialerFunc) func(*Sessions, http.ResponseWriter, *http.Request) error {
	return func(s *Sessions, w http.ResponseWriter, r *http.Request) error {
		return s.Forward(w, r, "web", []int32{echoPort}, false, dialer)
	}
}

// echoes returns a dialer whose one port sends back what it gets, and tells the end of each connection.
func echoes(t *testing.T) (dialerFunc, <-chan error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	ended := make(chan error, 100)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, err := io.Copy(conn, conn)
				ended <- err
			}()
		}
	}()
	return func(ctx context.Context, port uint16) (net.Conn, error) {
		if port != echoPort {
			return nil, errors.New("connection refused")
		}
		return (&net.Dialer{}).DialContext(ctx, "tcp", listener.Addr().String())
	}, ended
}

// forward forwards local ports as kubectl does, and returns their addresses and a channel with the end.
func (s *server) forward(t *testing.T, name string, ports ...int) ([]string, func(), <-chan error) {
	t.Helper()
	dialer, err := streamclient.Dialers[name](s.config(), s.url())
	if err != nil {
		t.Fatal(err)
	}
	var wanted []string
	for _, port := range ports {
		wanted = append(wanted, fmt.Sprintf("0:%d", port))
	}
	stop, ready, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	forwarder, err := portforward.NewOnAddressesForStreaming(dialer, []string{"127.0.0.1"}, wanted, stop, ready, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	go func() { ended <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	got, err := forwarder.GetPorts()
	if err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for _, port := range got {
		addresses = append(addresses, fmt.Sprintf("127.0.0.1:%d", port.Local))
	}
	return addresses, func() { close(stop) }, ended
}

func dial(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

func TestPortsAreForwardedWholeAndTheEndOfEachSideIsPassedOn(t *testing.T) {
	starts := map[string]func(*httptest.Server){"plain": (*httptest.Server).Start, "TLS": (*httptest.Server).StartTLS}
	for transport, begin := range starts {
		for name := range streamclient.Dialers {
			t.Run(transport+"/"+name, func(t *testing.T) {
				dialer, _ := echoes(t)
				server := start(t, Config{}, ports(dialer), begin)
				addresses, stop, ended := server.forward(t, name, echoPort)
				for range 3 {
					conn := dial(t, addresses[0])
					sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
					go func() {
						_, _ = conn.Write(sent)
						_ = conn.CloseWrite()
					}()
					got, err := io.ReadAll(conn)
					if err != nil || !bytes.Equal(got, sent) {
						t.Fatalf("got %d bytes and %v, want %d", len(got), err, len(sent))
					}
				}
				stop()
				if err := receive(t, "the client's end", ended); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestAClosedPortFailsThatOneConnectionOnly(t *testing.T) {
	for name := range streamclient.Dialers {
		t.Run(name, func(t *testing.T) {
			dialer, _ := echoes(t)
			server := serve(t, Config{}, ports(dialer))
			addresses, stop, ended := server.forward(t, name, echoPort, closedPort)
			echo := dial(t, addresses[0])
			exchange(t, echo)
			for range 5 { // the streams of a connection share five queues
				closed := dial(t, addresses[1])
				for range 10 {
					_, _ = io.WriteString(closed, "Is anybody there?") // fails once the end has come
				}
				if got, err := io.ReadAll(closed); len(got) != 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("got %q and %v of a closed port", got, err)
				}
				exchange(t, echo)
				exchange(t, dial(t, addresses[0]))
			}
			echo.Close()
			stop()
			if err := receive(t, "the client's end", ended); err != nil {
				t.Error(err)
			}
		})
	}
}

// exchange sends something to an echo and waits for it.
func exchange(t *testing.T, conn net.Conn) {
	t.Helper()
	got := make([]byte, 5)
	if _, err := io.WriteString(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello" {
		t.Fatalf("got %q and %v", got, err)
	}
}

func TestAClientOfPortsThatLeavesEndsItsConnections(t *testing.T) {
	for name := range streamclient.Dialers {
		t.Run(name, func(t *testing.T) {
			dialer, closed := echoes(t)
			server := serve(t, Config{}, ports(dialer))
			addresses, stop, ended := server.forward(t, name, echoPort)
			exchange(t, dial(t, addresses[0]))
			stop()
			receive(t, "the client's end", ended)
			receive(t, "the end of the connection to the port", closed)
		})
	}
}

// openPort opens a connection to a port over SPDY.
func openPort(t *testing.T, conn net.Conn) (session httpstream.Connection, data, errors httpstream.Stream) {
	t.Helper()
	session, err := spdy.NewClientConnection(conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	data, errors = streamclient.Connect(t, session, echoPort, 0)
	return session, data, errors
}

func TestTheCauseOfTheEndIsToldOnEachForwardedConnection(t *testing.T) {
	for name, end := range map[string]struct {
		end  func(*Sessions, context.CancelCauseFunc)
		want string
	}{
		"engine":  {func(_ *Sessions, cancel context.CancelCauseFunc) { cancel(errors.New("the engine is gone")) }, "the engine is gone"},
		"server":  {func(s *Sessions, _ context.CancelCauseFunc) { _ = s.Shutdown(context.Background()) }, "the server is stopping"},
		"silence": {func(*Sessions, context.CancelCauseFunc) {}, "nothing was sent in it for 4h0m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			clock := fakeClock()
			dialer, closed := echoes(t)
			cancels := make(chan context.CancelCauseFunc, 1)
			server := serve(t, Config{Clock: clock}, func(s *Sessions, w http.ResponseWriter, r *http.Request) error {
				ctx, cancel := context.WithCancelCause(r.Context())
				cancels <- cancel
				return s.Forward(w, r.WithContext(ctx), "web", nil, false, dialer)
			})
			session, data, errorStream := openPort(t, server.dialSPDY(t, "portforward.k8s.io"))
			exchange(t, streamConn{data})
			told := make(chan string, 1)
			go func() {
				text, _ := io.ReadAll(errorStream)
				told <- string(text)
				session.Close()
			}()
			eventually(t, "the session is watched", clock.HasWaiters)
			clock.Step(DefaultSilence - time.Minute)
			ended := theSession(t, server.sessions).ctx.Done()
			go end.end(server.sessions, <-cancels)
			// Once the session ends, the clock must not move on to the end of linger.
			untilDone(t, clock, time.Second, ended)
			if got := receive(t, "the cause", told); !strings.Contains(got, end.want) {
				t.Errorf("the client was told %q", got)
			}
			receive(t, "the end of the connection to the port", closed)
		})
	}
}

// theSession returns the one session that runs.
func theSession(t *testing.T, sessions *Sessions) *session {
	t.Helper()
	sessions.mu.Lock()
	defer sessions.mu.Unlock()
	for session := range sessions.running {
		return session
	}
	t.Fatal("no session runs")
	return nil
}

// streamConn makes a stream a net.Conn as far as exchange needs one.
type streamConn struct{ httpstream.Stream }

func (streamConn) LocalAddr() net.Addr              { return nil }
func (streamConn) RemoteAddr() net.Addr             { return nil }
func (streamConn) SetDeadline(time.Time) error      { return nil }
func (streamConn) SetReadDeadline(time.Time) error  { return nil }
func (streamConn) SetWriteDeadline(time.Time) error { return nil }

func TestAClientOfPortsThatLeavesIsNoticedAlthoughThePortReadsNothing(t *testing.T) {
	clock := fakeClock()
	closed := make(chan error, 1)
	server := serve(t, Config{Clock: clock}, ports(func(context.Context, uint16) (net.Conn, error) {
		ours, theirs := net.Pipe()
		t.Cleanup(func() { theirs.Close() })
		return notifyingConn{ours, closed}, nil
	}))
	conn := server.dialSPDY(t, "portforward.k8s.io")
	_, data, _ := openPort(t, conn)
	input, left := &endless{}, make(chan error, 1)
	go func() {
		_, err := io.Copy(data, input)
		left <- err
	}()
	eventually(t, "the server takes no more input", input.stuck())
	conn.Close()
	receive(t, "the client's end", left)
	untilDone(t, clock, time.Second, closed)
}

// notifyingConn tells that it is closed.
type notifyingConn struct {
	net.Conn
	closed chan error
}

func (c notifyingConn) Close() error {
	select {
	case c.closed <- nil:
	default:
	}
	return c.Conn.Close()
}

func TestAClientWithOneChannelForEachPortIsServed(t *testing.T) {
	dialer, closed := echoes(t)
	server := serve(t, Config{}, ports(dialer))
	conn := server.dial(t, "v5.channel.k8s.io", "v4.channel.k8s.io")
	for _, want := range []message{{0, "\x07\x00"}, {1, "\x07\x00"}} {
		if got := next(t, conn); got != want {
			t.Errorf("got %v, want the port as in %v", got, want)
		}
	}
	send(t, conn, 0, "hello")
	if got := next(t, conn); got != (message{0, "hello"}) {
		t.Errorf("got %v", got)
	}
	conn.Close()
	receive(t, "the end of the connection to the port", closed)
}

func TestAClientWithOneChannelForEachPortIsToldWhyAPortIsClosed(t *testing.T) {
	server := serve(t, Config{}, ports(func(context.Context, uint16) (net.Conn, error) { return nil, errors.New("connection refused") }))
	conn := server.dial(t, "v4.channel.k8s.io")
	got, err := readAll(conn)
	if !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		t.Errorf("the session ended with %v", err)
	}
	if last := got[len(got)-1]; last.channel != 1 || !strings.Contains(last.data, "connection refused") {
		t.Errorf("got %v", last)
	}
}

func TestARequestForPortsWithoutAnUpgradeThatIsServedIs400(t *testing.T) {
	dialer, _ := echoes(t)
	server := serve(t, Config{}, ports(dialer))
	for name, header := range map[string]http.Header{
		"no upgrade":           {},
		"no SPDY protocol":     {"Connection": {"Upgrade"}, "Upgrade": {"SPDY/3.1"}},
		"an unknown tunnel":    {"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Protocol": {"SPDY/3.1+other.k8s.io"}},
		"an unknown WebSocket": {"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Protocol": {"v5.channel.k8s.io"}},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header = header
			response, err := http.DefaultTransport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			if status := statusError(t, response); !apierrors.IsBadRequest(status) {
				t.Errorf("got %v", status)
			}
		})
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}
