// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

func TestARequestWithoutAnUpgradeThatIsServedIs400(t *testing.T) {
	server := serve(t, Config{}, commands(all, func(context.Context, Streams) error {
		t.Error("a command ran")
		return nil
	}))
	for name, header := range map[string]http.Header{
		"no upgrade":            {},
		"only Upgrade":          {"Upgrade": {"websocket"}},
		"an unknown upgrade":    {"Connection": {"Upgrade"}, "Upgrade": {"h2c"}},
		"no WebSocket protocol": {"Connection": {"Upgrade"}, "Upgrade": {"websocket"}},
		"an old protocol":       {"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Protocol": {"v3.channel.k8s.io, channel.k8s.io"}},
		"no key":                {"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Protocol": {"v5.channel.k8s.io"}, "Sec-Websocket-Version": {"13"}},
		"no version":            {"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Protocol": {"v5.channel.k8s.io"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}},
		"no SPDY protocol":      {"Connection": {"Upgrade"}, "Upgrade": {"SPDY/3.1"}},
		"an old SPDY protocol":  {"Connection": {"Upgrade"}, "Upgrade": {"SPDY/3.1"}, "X-Stream-Protocol-Version": {"v3.channel.k8s.io"}},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(name+"/"+method, func(t *testing.T) {
				request, err := http.NewRequestWithContext(t.Context(), method, server.URL, nil)
				if err != nil {
					t.Fatal(err)
				}
				request.Header = header.Clone()
				response, err := http.DefaultTransport.RoundTrip(request)
				if err != nil {
					t.Fatal(err)
				}
				if status := statusError(t, response); !apierrors.IsBadRequest(status) {
					t.Errorf("got %v", status)
				}
			})
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

func TestAMessageThatIsTooLongEndsTheSession(t *testing.T) {
	process := newIdle()
	server := serve(t, Config{}, commands(all, process.execute))
	conn := server.dial(t, "v5.channel.k8s.io")
	header := []byte{0x82, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint64(header[2:], messageLimit+1)
	if _, err := conn.NetConn().Write(header); err != nil {
		t.Fatal(err)
	}
	receive(t, "the end", process.ended)
	if _, err := readAll(conn); !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
		t.Errorf("the connection ended with %v", err)
	}
}

func TestASPDYFrameThatIsTooLongEndsTheSession(t *testing.T) {
	server := serve(t, Config{}, commands(all, newIdle().execute))
	conn := server.dialSPDY(t, "v4.channel.k8s.io")
	header := []byte{0, 0, 0, 1, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(header[4:], frameLimit+1)
	if _, err := conn.Write(header); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the session has begun and ended", func() bool { return server.sessions.Running() == 0 })
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection is still there")
	}
}

func TestAHalfOpenUpgradeEnds(t *testing.T) {
	for name, leave := range map[string]func(net.Conn){
		"after a while if the client stays":    func(net.Conn) {},
		"at once if the client leaves":         func(conn net.Conn) { conn.Close() },
		"at once if the client sends nonsense": func(conn net.Conn) { _, _ = conn.Write([]byte(strings.Repeat("\xff", 100))) },
	} {
		t.Run(name, func(t *testing.T) {
			clock := fakeClock()
			over := make(chan error, 1)
			server := serve(t, Config{Clock: clock}, func(s *Sessions, w http.ResponseWriter, r *http.Request) error {
				err := s.Execute(w, r, all, executorFunc(func(context.Context, Streams) error {
					t.Error("a command ran without its streams")
					return nil
				}))
				over <- err
				return err
			})
			conn := server.dialSPDY(t, "v4.channel.k8s.io")
			leave(conn)
			var err error
			if strings.HasPrefix(name, "after") {
				err = untilDone(t, clock, time.Second, over)
			} else {
				err = receive(t, "the end", over)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAClientThatSendsAndNeverReadsIsCutAtTheEndOfItsSession(t *testing.T) {
	clock := fakeClock()
	process := newIdle()
	var written atomic.Int64
	server := serve(t, Config{Clock: clock, Silence: time.Hour}, commands(all, func(ctx context.Context, streams Streams) error {
		go process.execute(ctx, Streams{})
		for {
			n, err := streams.Stdout.Write(make([]byte, chunk))
			written.Add(int64(n))
			if err != nil {
				return err
			}
		}
	}))
	conn := server.dial(t, "v5.channel.k8s.io")
	sending := make(chan struct{})
	go func() {
		defer close(sending)
		for conn.WriteMessage(websocket.BinaryMessage, make([]byte, 10_000)) == nil {
		}
	}()
	receive(t, "the process", process.begun)
	// Nobody reads, so the outputs wait, and the session is silent.
	err := untilDone(t, clock, time.Minute, process.ended)
	if !apierrors.IsTimeout(err) {
		t.Errorf("the session ended with %v", err)
	}
	untilDone(t, clock, time.Second, sending)
	eventually(t, "the session is over", func() bool { return server.sessions.Running() == 0 })
}

func TestAClientThatKeepsSendingAfterTheEndIsCutSoon(t *testing.T) {
	clock := fakeClock()
	begun := make(chan struct{})
	server := serve(t, Config{Clock: clock, Silence: time.Hour}, commands(all, func(context.Context, Streams) error {
		close(begun)
		return nil
	}))
	conn := server.dial(t, "v5.channel.k8s.io")
	<-begun
	sent := make(chan error, 1)
	go func() {
		for {
			if err := conn.WriteMessage(websocket.BinaryMessage, []byte{stdinChannel, 'x'}); err != nil {
				sent <- err
				return
			}
		}
	}()
	untilDone(t, clock, time.Second, sent)
}

func TestMemoryStaysBoundedWhenAClientReadsSlowly(t *testing.T) {
	for _, protocol := range []string{"WebSocket", "SPDY"} {
		t.Run(protocol, func(t *testing.T) {
			var written atomic.Int64
			server := serve(t, Config{}, commands(Command{Stdout: true}, func(_ context.Context, streams Streams) error {
				for {
					n, err := streams.Stdout.Write(make([]byte, 1<<20))
					written.Add(int64(n))
					if err != nil {
						return err
					}
				}
			}))
			if protocol == "WebSocket" {
				conn := server.dial(t, "v5.channel.k8s.io")
				defer conn.Close()
			} else {
				reader, writer := io.Pipe()
				ctx, leave := context.WithCancel(t.Context())
				left := make(chan error, 1)
				go func() { left <- server.stream(ctx, t, overSPDY, stdoutTo(writer)) }()
				defer func() {
					leave()
					reader.Close()
					receive(t, "the client's end", left)
				}()
			}
			var before int64 = -1
			same := 0
			eventually(t, "the process waits for its client", func() bool {
				now := written.Load()
				if now == before && now > 0 {
					same++
				} else {
					before, same = now, 0
				}
				return same > 200
			})
			// The kernel has buffers of some megabytes, and a SPDY client queues frames.
			if got := written.Load(); got > 64<<20 {
				t.Errorf("%d bytes are on their way", got)
			}
		})
	}
}

func TestUnknownChannelsAreIgnored(t *testing.T) {
	server := serve(t, Config{}, commands(all, func(_ context.Context, streams Streams) error {
		got, err := io.ReadAll(streams.Stdin)
		fmt.Fprintf(streams.Stdout, "%q %v", got, err)
		return nil
	}))
	conn := server.dial(t, "v5.channel.k8s.io")
	for _, message := range []message{
		{1, "out"}, {2, "err"}, {3, "status"}, {5, "?"}, {254, "?"}, {closeChannel, ""}, {closeChannel, "\x04"}, {closeChannel, "\x09"}, {stdinChannel, "in"}, {closeChannel, "\x00"},
	} {
		send(t, conn, message.channel, message.data)
	}
	if err := conn.WriteMessage(websocket.BinaryMessage, nil); err != nil {
		t.Fatal(err)
	}
	next(t, conn)
	if got := next(t, conn); got.data != `"in" <nil>` {
		t.Errorf("got %v", got)
	}
}
