// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/remotecommand"
	testingclock "k8s.io/utils/clock/testing"
)

// idle is a process that does nothing until its session ends. It tells its begin and the cause of its end.
type idle struct {
	begun chan struct{}
	ended chan error
}

func newIdle() *idle { return &idle{make(chan struct{}, 100), make(chan error, 100)} }

func (i *idle) execute(ctx context.Context, streams Streams) error {
	if streams.Stdout != nil {
		fmt.Fprint(streams.Stdout, "begun")
	}
	i.begun <- struct{}{}
	<-ctx.Done()
	i.ended <- context.Cause(ctx)
	return ctx.Err()
}

// firstWrite is closed by the first write. A client that gets output has all its streams.
type firstWrite chan struct{}

func (f firstWrite) Write(p []byte) (int, error) {
	select {
	case <-f:
	default:
		close(f)
	}
	return len(p), nil
}

func TestAClientThatLeavesEndsItsProcessAlthoughTheRequestIsNotCancelled(t *testing.T) {
	for _, client := range clients {
		for _, command := range []Command{all, withoutStdin()} {
			t.Run(fmt.Sprint(client.name, "/stdin=", command.Stdin), func(t *testing.T) {
				process := newIdle()
				server := serve(t, Config{}, commands(command, process.execute))
				ctx, leave := context.WithCancel(t.Context())
				output := make(firstWrite)
				options := remotecommand.StreamOptions{Stdout: output, Stderr: io.Discard}
				if command.Stdin {
					reader, writer := io.Pipe()
					defer writer.Close()
					options.Stdin = reader
				}
				left := make(chan error, 1)
				go func() { left <- server.stream(ctx, t, client, options) }()
				receive(t, "the process", process.begun)
				receive(t, "its output", output)
				leave()
				receive(t, "the client's end", left)
				if err := receive(t, "the process's end", process.ended); !isGone(err) {
					t.Errorf("the process ended with %v", err)
				}
			})
		}
	}
}

func TestACauseOfTheCallerIsToldToTheClient(t *testing.T) {
	for _, client := range clients {
		t.Run(client.name, func(t *testing.T) {
			process := newIdle()
			lost := make(chan context.CancelCauseFunc, 1)
			server := serve(t, Config{}, func(s *Sessions, w http.ResponseWriter, r *http.Request) error {
				ctx, cancel := context.WithCancelCause(r.Context())
				lost <- cancel
				return s.Execute(w, r.WithContext(ctx), withoutStdin(), executorFunc(process.execute))
			})
			told := make(chan error, 1)
			go func() {
				_, _, err := server.run(t, client, remotecommand.StreamOptions{})
				told <- err
			}()
			receive(t, "the process", process.begun)
			receive(t, "the request", lost)(apierrors.NewServiceUnavailable("the container engine is gone"))
			if err := receive(t, "the client's end", told); !strings.Contains(fmt.Sprint(err), "the container engine is gone") {
				t.Errorf("the client was told %v", err)
			}
		})
	}
}

func TestAProcessThatEndedKeepsItsExitCodeAlthoughTheSessionEndsMeanwhile(t *testing.T) {
	server := serve(t, Config{}, func(s *Sessions, w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithCancelCause(r.Context())
		return s.Execute(w, r.WithContext(ctx), withoutStdin(), executorFunc(func(context.Context, Streams) error {
			cancel(errors.New("too late"))
			return exitCode(7)
		}))
	})
	if _, _, err := server.run(t, webSocketV5, remotecommand.StreamOptions{}); !strings.Contains(fmt.Sprint(err), "exit code 7") {
		t.Errorf("got %v", err)
	}
}

// beginIdle begins a session of the client with an idle process. told brings what the client was told at the end.
func beginIdle(t *testing.T, client client) (clock *testingclock.FakeClock, process *idle, server *server, told <-chan error) {
	t.Helper()
	clock, process = fakeClock(), newIdle()
	server = serve(t, Config{Clock: clock}, commands(withoutStdin(), process.execute))
	ended := make(chan error, 1)
	go func() {
		_, _, err := server.run(t, client, remotecommand.StreamOptions{})
		ended <- err
	}()
	receive(t, "the process", process.begun)
	return clock, process, server, ended
}

func TestASilentSessionEndsAndItsClientIsToldWhy(t *testing.T) {
	for _, client := range clients {
		t.Run(client.name, func(t *testing.T) {
			clock, process, server, told := beginIdle(t, client)
			began := clock.Now()
			ended := theSession(t, server.sessions).ctx.Done()
			eventually(t, "its silence and its heartbeats are watched", func() bool { return clock.Waiters() == 2 })
			clock.Step(DefaultSilence - time.Minute)
			// Once the session ends, the clock must not move on to the end of farewell.
			untilDone(t, clock, time.Second, ended)
			receive(t, "the process's end", process.ended)
			if err := receive(t, "the client's end", told); !strings.Contains(fmt.Sprint(err), "nothing was sent in it for 4h0m0s") {
				t.Errorf("the client was told %v", err)
			}
			if lasted := clock.Since(began); lasted < DefaultSilence-time.Minute {
				t.Errorf("the session lasted only %v", lasted)
			}
		})
	}
}

func TestASessionThatSomebodyElseServesHasTheLimitsOfTheOthers(t *testing.T) {
	clock := fakeClock()
	sessions := New(Config{Clock: clock, Silence: time.Hour, Limit: 1, Grace: time.Minute})
	session, err := sessions.Begin(t.Context(), "log")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sessions.Begin(t.Context(), "log"); !apierrors.IsTooManyRequests(err) {
		t.Errorf("the second session: %v", err)
	}
	for range 5 {
		eventually(t, "the session is watched", clock.HasWaiters)
		clock.Step(40 * time.Minute)
		session.Touch()
	}
	if err := session.Context().Err(); err != nil {
		t.Errorf("a session in which something was sent has ended: %v", context.Cause(session.Context()))
	}
	untilDone(t, clock, time.Minute, session.Context().Done())
	if err := context.Cause(session.Context()); !apierrors.IsTimeout(err) {
		t.Errorf("the silent session ended with %v", err)
	}
	session.End()
	session.End()

	session, err = sessions.Begin(t.Context(), "log")
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- sessions.Shutdown(t.Context()) }()
	untilDone(t, clock, time.Minute, session.Context().Done())
	if err := context.Cause(session.Context()); !apierrors.IsServiceUnavailable(err) {
		t.Errorf("when the server stops, the session ends with %v", err)
	}
	session.End()
	if err := receive(t, "the end", stopped); err != nil {
		t.Error(err)
	}
}

func TestPingsAreSilenceAndInputIsNot(t *testing.T) {
	clock := fakeClock()
	process := newIdle()
	server := serve(t, Config{Clock: clock, Silence: time.Hour}, commands(all, process.execute))
	conn := server.dial(t, "v5.channel.k8s.io")
	receive(t, "the process", process.begun)
	clock.Step(50 * time.Minute)
	send(t, conn, stdinChannel, "x")
	ping := pinger(t, conn)
	ping()
	clock.Step(50 * time.Minute)
	ping()
	if got := len(process.ended); got != 0 {
		t.Fatal("the session ended although there was input 50 minutes ago")
	}
	clock.Step(11 * time.Minute)
	if err := untilDone(t, clock, time.Second, process.ended); !apierrors.IsTimeout(err) {
		t.Errorf("the session ended with %v", err)
	}
}

// pinger reads conn to its end, and returns a function that pings and waits for the answer. The answer shows that the
// server has read what was sent before.
func pinger(t *testing.T, conn *websocket.Conn) func() {
	t.Helper()
	answers := make(chan struct{}, 1)
	conn.SetPongHandler(func(string) error {
		answers <- struct{}{}
		return nil
	})
	go readAll(conn)
	return func() {
		t.Helper()
		if err := conn.WriteControl(websocket.PingMessage, []byte("?"), time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		receive(t, "the answer to a ping", answers)
	}
}

func TestAServerThatStopsLetsNoSessionBeginAndTellsTheOthers(t *testing.T) {
	for _, client := range clients {
		t.Run(client.name, func(t *testing.T) {
			clock, process, server, told := beginIdle(t, client)
			ended := theSession(t, server.sessions).ctx.Done()
			stopped := make(chan error, 1)
			go func() { stopped <- server.sessions.Shutdown(t.Context()) }()
			eventually(t, "the server stops", func() bool {
				server.sessions.mu.Lock()
				defer server.sessions.mu.Unlock()
				return server.sessions.stopping
			})
			_, response, err := server.tryDial("v5.channel.k8s.io")
			if err == nil || !apierrors.IsServiceUnavailable(statusError(t, response)) {
				t.Errorf("a new session began, or was refused with %v", err)
			}
			if len(process.ended) != 0 {
				t.Fatal("the session ended without a grace")
			}
			// Once the session ends, the clock must not move on to the end of farewell.
			untilDone(t, clock, time.Second, ended)
			receive(t, "the process's end", process.ended)
			if err := receive(t, "the client's end", told); !strings.Contains(fmt.Sprint(err), "the server is stopping") {
				t.Errorf("the client was told %v", err)
			}
			if err := receive(t, "the end of Shutdown", stopped); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestASessionThatEndsWithinTheGraceIsNotCut(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	server := serve(t, Config{Clock: fakeClock()}, commands(withoutStdin(), func(context.Context, Streams) error {
		close(begun)
		<-finish
		return exitCode(7)
	}))
	conn := server.dial(t, "v5.channel.k8s.io")
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- server.sessions.Shutdown(t.Context()) }()
	close(finish)
	if got := lastStatus(t, conn); got.Details == nil || got.Details.Causes[0].Message != "7" {
		t.Errorf("got %+v, want the exit code 7", got)
	}
	conn.Close()
	if err := receive(t, "the end of Shutdown", stopped); err != nil {
		t.Error(err)
	}
}

func TestShutdownTellsThatSessionsDoNotEnd(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	server := serve(t, Config{}, commands(withoutStdin(), func(context.Context, Streams) error {
		close(begun)
		<-finish
		return nil
	}))
	defer close(finish)
	server.dial(t, "v5.channel.k8s.io")
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := server.sessions.Shutdown(ctx); err == nil || !strings.Contains(err.Error(), "1 sessions") {
		t.Errorf("Shutdown returned %v", err)
	}
}

func TestOneSessionTooManyIs429BeforeTheUpgrade(t *testing.T) {
	process := newIdle()
	server := serve(t, Config{Limit: 2}, commands(withoutStdin(), process.execute))
	first := server.dial(t, "v5.channel.k8s.io")
	server.dial(t, "v5.channel.k8s.io")
	_, response, err := server.tryDial("v5.channel.k8s.io")
	if err == nil {
		t.Fatal("a third session began")
	}
	status := statusError(t, response)
	if after, ok := apierrors.SuggestsClientDelay(status); !apierrors.IsTooManyRequests(status) || !ok || after == 0 {
		t.Errorf("got %v", status)
	}
	first.Close()
	receive(t, "the end of the first", process.ended)
	eventually(t, "there is room again", func() bool { return server.sessions.Running() == 1 })
	server.dial(t, "v5.channel.k8s.io")
}

func TestTheStatusOfAnUnknownErrorIsAnInternalError(t *testing.T) {
	if got := status(errors.New("boom")); got.Reason != metav1.StatusReasonInternalError || !strings.Contains(got.Message, "boom") {
		t.Errorf("got %+v", got)
	}
}
