// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/rancher-sandbox/engine-apiserver/test/streamclient"
)

var terminal = Command{Kind: "exec", Stdin: true, Stdout: true, TTY: true}

func TestAProcessThatReadsNoInputBlocksNeitherResizeNorClose(t *testing.T) {
	for _, client := range clients {
		t.Run(client.name, func(t *testing.T) {
			resized, ended := make(chan TerminalSize), make(chan error, 1)
			server := serve(t, Config{}, commands(terminal, func(ctx context.Context, streams Streams) error {
				select {
				case size := <-streams.Resize:
					resized <- size
				case <-ctx.Done():
				}
				<-ctx.Done()
				ended <- context.Cause(ctx)
				return ctx.Err()
			}))
			queue := make(streamclient.Sizes, 1)
			defer close(queue)
			input := &countingReader{left: 900 << 10, drained: make(chan struct{}), block: t.Context().Done()}
			ctx, leave := context.WithCancel(t.Context())
			left := make(chan error, 1)
			go func() {
				left <- server.stream(ctx, t, client, remotecommand.StreamOptions{Stdin: input, Stdout: io.Discard, Tty: true, TerminalSizeQueue: queue})
			}()
			receive(t, "the input to be sent", input.drained)
			queue <- remotecommand.TerminalSize{Width: 80, Height: 24}
			if size := receive(t, "the size", resized); size != (TerminalSize{Width: 80, Height: 24}) {
				t.Errorf("got %v", size)
			}
			leave()
			receive(t, "the client's end", left)
			if err := receive(t, "the process's end", ended); !isGone(err) {
				t.Errorf("the process ended with %v", err)
			}
		})
	}
}

// countingReader has some input, and then waits.
type countingReader struct {
	left    int
	drained chan struct{}
	block   <-chan struct{}
}

func (r *countingReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		close(r.drained)
		<-r.block
		return 0, io.EOF
	}
	n := min(len(p), r.left)
	r.left -= n
	return n, nil
}

// inputs are the ways in which a client connects and sends input.
var inputs = map[string]func(*testing.T, *server) (net.Conn, io.Writer){
	"WebSocket": func(t *testing.T, server *server) (net.Conn, io.Writer) {
		conn := server.dial(t, "v5.channel.k8s.io")
		return conn.NetConn(), messages{conn, stdinChannel}
	},
	"SPDY": func(t *testing.T, server *server) (net.Conn, io.Writer) {
		conn := server.dialSPDY(t, "v4.channel.k8s.io")
		return conn, openStreams(t, conn, "stdin", "error", "stdout", "stderr")
	},
}

func TestAClientThatLeavesIsNoticedAlthoughTheProcessReadsNoneOfItsEndlessInput(t *testing.T) {
	for name, connect := range inputs {
		t.Run(name, func(t *testing.T) {
			clock := fakeClock()
			process := newIdle()
			server := serve(t, Config{Clock: clock}, commands(all, process.execute))
			conn, stdin := connect(t, server)
			input, left := &endless{}, make(chan error, 1)
			go func() {
				_, err := io.Copy(stdin, input)
				left <- err
			}()
			receive(t, "the process", process.begun)
			eventually(t, "the server takes no more input", input.stuck())
			conn.Close()
			receive(t, "the client's end", left)
			if err := untilDone(t, clock, time.Second, process.ended); !isGone(err) {
				t.Errorf("the process ended with %v", err)
			}
		})
	}
}

// messages sends what is written on a channel.
type messages struct {
	conn    *websocket.Conn
	channel byte
}

func (m messages) Write(p []byte) (int, error) {
	return len(p), m.conn.WriteMessage(websocket.BinaryMessage, append([]byte{m.channel}, p...))
}

func TestInputThatIsCutOffDoesNotLookComplete(t *testing.T) {
	for name, connect := range inputs {
		t.Run(name, func(t *testing.T) {
			read := make(chan error, 2)
			server := serve(t, Config{}, commands(all, func(_ context.Context, streams Streams) error {
				_, err := io.ReadFull(streams.Stdin, make([]byte, 5))
				read <- err
				_, err = streams.Stdin.Read(make([]byte, 1))
				read <- err
				return err
			}))
			conn, stdin := connect(t, server)
			if _, err := io.WriteString(stdin, "hello"); err != nil {
				t.Fatal(err)
			}
			if err := receive(t, "the input", read); err != nil {
				t.Fatal(err)
			}
			conn.Close()
			if err := receive(t, "the end of the input", read); err == nil || err == io.EOF {
				t.Errorf("the input ended with %v", err)
			}
		})
	}
}

// endless is input without end.
type endless struct{ sent atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.sent.Add(int64(len(p)))
	return len(p), nil
}

// stuck reports whether more than the server keeps was sent, and nothing since the 200 calls before.
func (e *endless) stuck() func() bool {
	var last int64
	calls := 0
	return func() bool {
		now := e.sent.Load()
		if now != last {
			last, calls = now, 0
		}
		calls++
		return now > inputLimit && calls > 200
	}
}

func TestAProcessThatEndsWithUnreadInputDeliversItsOutputAndStatus(t *testing.T) {
	for _, client := range clients {
		t.Run(client.name, func(t *testing.T) {
			input := &endless{}
			server := serve(t, Config{}, commands(all, func(ctx context.Context, streams Streams) error {
				for stuck := input.stuck(); !stuck(); {
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(time.Millisecond):
					}
				}
				writeLines(t, streams.Stdout, 1000)
				return exitCode(7)
			}))
			stdout, _, err := server.run(t, client, remotecommand.StreamOptions{Stdin: input})
			checkLines(t, strings.NewReader(stdout), 1000)
			if !strings.Contains(fmt.Sprint(err), "exit code 7") {
				t.Errorf("got %v, want the exit code 7", err)
			}
		})
	}
}

func TestSizesOfZeroAreIgnoredAndOfSeveralTheNewestIsKept(t *testing.T) {
	server := serve(t, Config{}, commands(terminal, func(_ context.Context, streams Streams) error {
		// What is sent after the sizes shows that they were received.
		if _, err := io.ReadFull(streams.Stdin, make([]byte, 1)); err != nil {
			return err
		}
		fmt.Fprint(streams.Stdout, <-streams.Resize)
		return nil
	}))
	conn := server.dial(t, "v5.channel.k8s.io")
	for _, size := range []string{`{"Width":80,"Height":24}`, `{"Width":0,"Height":0}`, `{"Width":100,"Height":30}`, `{"Width":0,"Height":9}`, `garbage`, ``} {
		send(t, conn, resizeChannel, size)
	}
	send(t, conn, stdinChannel, "x")
	next(t, conn)
	if got := next(t, conn); got.data != "{100 30}" {
		t.Errorf("got %v", got)
	}
}

func TestAReadOfStdinEndsWithTheCommand(t *testing.T) {
	read := make(chan error, 1)
	server := serve(t, Config{}, commands(all, func(_ context.Context, streams Streams) error {
		go func() {
			_, err := streams.Stdin.Read(make([]byte, 1))
			read <- err
		}()
		return nil
	}))
	conn := server.dial(t, "v5.channel.k8s.io")
	if err := receive(t, "the read to end", read); err == nil {
		t.Error("the read got input")
	}
	lastStatus(t, conn)
}

// late sets a deadline that has passed on the connection of a request, as a handler for bodies might.
type late struct{ http.ResponseWriter }

func (l late) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(l.ResponseWriter).Hijack()
	if err == nil {
		err = conn.SetDeadline(time.Now().Add(-time.Hour))
	}
	return conn, buffered, err
}

func TestTheReadDeadlineOfRequestsIsOffForSessions(t *testing.T) {
	for _, client := range clients {
		t.Run(client.name, func(t *testing.T) {
			server := serve(t, Config{}, func(s *Sessions, w http.ResponseWriter, r *http.Request) error {
				return s.Execute(late{w}, r, all, executorFunc(func(_ context.Context, streams Streams) error {
					got := make([]byte, 5)
					if _, err := io.ReadFull(streams.Stdin, got); err != nil {
						return err
					}
					_, err := streams.Stdout.Write(got)
					return err
				}))
			})
			stdout, _, err := server.run(t, client, remotecommand.StreamOptions{Stdin: strings.NewReader("hello")})
			if err != nil || stdout != "hello" {
				t.Errorf("got %q and %v", stdout, err)
			}
		})
	}
}

func TestInputIsCopiedWholeAndItsEndToo(t *testing.T) {
	cut := errors.New("cut")
	for _, end := range []error{io.EOF, cut} {
		b, text := newBuffer(1000), strings.Repeat("0123456789", 10_000)
		go func() {
			_, _ = io.WriteString(b, text)
			b.end(end)
		}()
		var got strings.Builder
		n, err := io.Copy(&got, b)
		if got.String() != text || n != int64(len(text)) || (err != nil) != (end == cut) {
			t.Errorf("%d bytes and %v, want %d and %v", n, err, len(text), end)
		}
	}
}
