// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/remotecommand"
	clientexec "k8s.io/client-go/util/exec"
)

var all = Command{Kind: "exec", Stdin: true, Stdout: true, Stderr: true}

func withoutStdin() Command { return Command{Kind: "exec", Stdout: true, Stderr: true} }

func TestEveryClientGetsBothOutputsAndTheExitCode(t *testing.T) {
	starts := map[string]func(*httptest.Server){"plain": (*httptest.Server).Start, "TLS": (*httptest.Server).StartTLS}
	for transport, begin := range starts {
		for _, client := range clients {
			for _, code := range []int{0, 1, 7, 126, 127, 137, 255} {
				t.Run(fmt.Sprintf("%s/%s/%d", transport, client.name, code), func(t *testing.T) {
					server := start(t, Config{}, commands(withoutStdin(), func(_ context.Context, streams Streams) error {
						fmt.Fprint(streams.Stdout, "out")
						fmt.Fprint(streams.Stderr, "err")
						if code == 0 {
							return nil
						}
						return fmt.Errorf("running the command: %w", exitCode(code))
					}), begin)
					stdout, stderr, err := server.run(t, client, remotecommand.StreamOptions{})
					if stdout != "out" || stderr != "err" {
						t.Errorf("got %q and %q, want out and err", stdout, stderr)
					}
					var exit clientexec.CodeExitError
					if code == 0 && err != nil || code != 0 && (!errors.As(err, &exit) || exit.Code != code) {
						t.Errorf("got %v, want the exit code %d", err, code)
					}
				})
			}
		}
	}
}

func TestAClientOfWebSocketFallsBackToSPDY(t *testing.T) {
	var refused bool
	server := serve(t, Config{}, func(s *Sessions, w http.ResponseWriter, r *http.Request) error {
		if r.Header.Get("Upgrade") == "websocket" {
			refused = true
			return apierrors.NewForbidden(schema.GroupResource{}, "", errors.New("no WebSocket here"))
		}
		return s.Execute(w, r, withoutStdin(), executorFunc(func(_ context.Context, streams Streams) error {
			fmt.Fprint(streams.Stdout, "out")
			return exitCode(7)
		}))
	})
	stdout, _, err := server.run(t, fallback, remotecommand.StreamOptions{})
	if stdout != "out" || !strings.Contains(fmt.Sprint(err), "exit code 7") || !refused {
		t.Errorf("got %q and %v", stdout, err)
	}
}

func TestTwoMillionLinesArriveWholeAndInOrder(t *testing.T) {
	const lines = 2_000_000
	for _, client := range []client{webSocketV5, webSocketV4, overSPDY} {
		t.Run(client.name, func(t *testing.T) {
			server := serve(t, Config{}, commands(withoutStdin(), func(_ context.Context, streams Streams) error {
				var both sync.WaitGroup
				both.Go(func() { writeLines(t, streams.Stderr, lines/100) })
				writeLines(t, streams.Stdout, lines)
				both.Wait()
				return exitCode(7)
			}))
			stdout, stdoutWriter := io.Pipe()
			stderr, stderrWriter := io.Pipe()
			var checks sync.WaitGroup
			checks.Go(func() { checkLines(t, stdout, lines) })
			checks.Go(func() { checkLines(t, stderr, lines/100) })
			err := server.stream(t.Context(), t, client, remotecommand.StreamOptions{Stdout: stdoutWriter, Stderr: stderrWriter})
			stdoutWriter.Close()
			stderrWriter.Close()
			checks.Wait()
			if !strings.Contains(fmt.Sprint(err), "exit code 7") {
				t.Errorf("got %v, want the exit code 7", err)
			}
		})
	}
}

func writeLines(t *testing.T, to io.Writer, lines int) {
	buffered := bufio.NewWriterSize(to, 100_000)
	for i := range lines {
		buffered.WriteString(strconv.Itoa(i))
		buffered.WriteByte('\n')
	}
	if err := buffered.Flush(); err != nil {
		t.Error(err)
	}
}

func checkLines(t *testing.T, from io.Reader, lines int) {
	scanner, i := bufio.NewScanner(from), 0
	for ; scanner.Scan(); i++ {
		if got := scanner.Text(); got != strconv.Itoa(i) {
			t.Errorf("line %d is %q", i, got)
			break
		}
	}
	if i != lines {
		t.Errorf("got %d lines, want %d", i, lines)
	}
	_, _ = io.Copy(io.Discard, from)
}

func TestTheStatusComesAfterAllOutputAndBeforeTheCloseFrame(t *testing.T) {
	server := serve(t, Config{}, commands(withoutStdin(), func(_ context.Context, streams Streams) error {
		fmt.Fprint(streams.Stderr, "err")
		fmt.Fprint(streams.Stdout, "out")
		return nil
	}))
	for _, protocol := range []string{"v5.channel.k8s.io", "v4.channel.k8s.io"} {
		conn := server.dial(t, protocol)
		got, err := readAll(conn)
		if !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
			t.Errorf("the session ended with %v", err)
		}
		want := []message{{stdoutChannel, ""}, {stderrChannel, "err"}, {stdoutChannel, "out"}, {errorChannel, `{"metadata":{},"status":"Success"}`}}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestTheEndOfStdinReachesTheProcess(t *testing.T) {
	for _, client := range clientsThatHalf {
		t.Run(client.name, func(t *testing.T) {
			server := serve(t, Config{}, commands(all, func(_ context.Context, streams Streams) error {
				_, err := io.Copy(streams.Stdout, streams.Stdin)
				return err
			}))
			input := strings.Repeat("0123456789", 1<<20)
			stdout, _, err := server.run(t, client, remotecommand.StreamOptions{Stdin: strings.NewReader(input)})
			if err != nil || stdout != input {
				t.Errorf("got %d bytes and %v, want %d bytes", len(stdout), err, len(input))
			}
		})
	}
}

func TestAMessageInManyFramesIsOneMessage(t *testing.T) {
	server := serve(t, Config{}, commands(all, func(_ context.Context, streams Streams) error {
		_, err := io.Copy(streams.Stdout, streams.Stdin)
		return err
	}))
	conn := server.dial(t, "v5.channel.k8s.io")
	input := strings.Repeat("\x03\x04\xff\x00", 1000)
	writer, err := conn.NextWriter(websocket.BinaryMessage)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"\x00", input} {
		if _, err := io.WriteString(writer, part); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	send(t, conn, closeChannel, "\x00")
	got, _ := readAll(conn)
	var output strings.Builder
	for _, message := range got {
		if message.channel == stdoutChannel {
			output.WriteString(message.data)
		}
	}
	if output.String() != input {
		t.Errorf("got %d bytes, want %d", output.Len(), len(input))
	}
}

func TestAClientWithoutStdinStillGetsAllOutput(t *testing.T) {
	for _, client := range clients {
		t.Run(client.name, func(t *testing.T) {
			server := serve(t, Config{}, commands(withoutStdin(), func(_ context.Context, streams Streams) error {
				if streams.Stdin != nil || streams.Resize != nil {
					t.Error("there are streams that the client did not ask for")
				}
				writeLines(t, streams.Stdout, 100_000)
				return nil
			}))
			stdout, _, err := server.run(t, client, remotecommand.StreamOptions{})
			if err != nil {
				t.Error(err)
			}
			checkLines(t, strings.NewReader(stdout), 100_000)
		})
	}
}

func TestAnErrorOfTheExecutorReachesTheClientInItsOwnWords(t *testing.T) {
	for _, client := range clients {
		t.Run(client.name, func(t *testing.T) {
			server := serve(t, Config{}, commands(withoutStdin(), func(context.Context, Streams) error {
				return fmt.Errorf("running the command: %w", apierrors.NewConflict(schema.GroupResource{Resource: "containers"}, "web", errors.New("the container is paused")))
			}))
			_, _, err := server.run(t, client, remotecommand.StreamOptions{})
			if !strings.Contains(fmt.Sprint(err), "the container is paused") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// unprepared is an executor whose command cannot run.
type unprepared struct{ executorFunc }

func (unprepared) Prepare(context.Context) error {
	return apierrors.NewConflict(schema.GroupResource{Resource: "containers"}, "web", errors.New("the container is paused"))
}

func TestACommandThatCannotRunIsRefusedBeforeTheUpgrade(t *testing.T) {
	server := serve(t, Config{}, func(s *Sessions, w http.ResponseWriter, r *http.Request) error {
		return s.Execute(w, r, all, unprepared{func(context.Context, Streams) error {
			t.Error("the command ran")
			return nil
		}})
	})
	if _, response, err := server.tryDial("v5.channel.k8s.io"); err == nil || !apierrors.IsConflict(statusError(t, response)) {
		t.Errorf("got %v", err)
	}
}
