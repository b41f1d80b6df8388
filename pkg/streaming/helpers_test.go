// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/exec"
)

// patience is how long a test waits for what must happen. It only ends tests that fail.
const patience = 2 * time.Minute

// executorFunc is an Executor.
type executorFunc func(ctx context.Context, streams Streams) error

func (f executorFunc) Prepare(context.Context) error { return nil }

func (f executorFunc) Execute(ctx context.Context, streams Streams) error { return f(ctx, streams) }

func exitCode(code int) error {
	return exec.CodeExitError{Err: errors.New("exit status"), Code: code}
}

// server is an HTTP server of sessions.
type server struct {
	*httptest.Server
	sessions *Sessions
}

// serve starts a server. The test fails if it leaves a goroutine behind.
func serve(t *testing.T, config Config, handle func(*Sessions, http.ResponseWriter, *http.Request) error) *server {
	t.Helper()
	return start(t, config, handle, (*httptest.Server).Start)
}

func start(t *testing.T, config Config, handle func(*Sessions, http.ResponseWriter, *http.Request) error, start func(*httptest.Server)) *server {
	t.Helper()
	before := goroutines()
	sessions := New(config)
	s := &server{httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := handle(sessions, w, r); err != nil {
			respond(w, err)
		}
	})), sessions}
	start(s.Server)
	t.Cleanup(func() {
		s.Close()
		eventually(t, "all sessions have ended", func() bool { return sessions.Running() == 0 })
		eventually(t, "no goroutine is left", func() bool {
			for name := range goroutines() {
				if _, old := before[name]; !old {
					return false
				}
			}
			return true
		})
	})
	return s
}

// respond answers as the generic API server answers errors.
func respond(w http.ResponseWriter, err error) {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		status = apierrors.NewInternalError(err)
	}
	body := status.Status()
	body.Kind, body.APIVersion = "Status", "v1"
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(body.Code))
	encoded, _ := jsonEncode(body)
	_, _ = w.Write(encoded)
}

// commands serves a command.
func commands(command Command, execute executorFunc) func(*Sessions, http.ResponseWriter, *http.Request) error {
	return func(s *Sessions, w http.ResponseWriter, r *http.Request) error {
		return s.Execute(w, r, command, execute)
	}
}

// goroutines returns the stacks of the goroutines of sessions, by the line that names the goroutine.
func goroutines() map[string]string {
	stacks := make([]byte, 4<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	found := map[string]string{}
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		for _, part := range []string{"spdystream", "wsstream", "cri-streaming", "streaming.(*", "streaming.upgrade"} {
			if strings.Contains(stack, part) {
				name, _, _ := strings.Cut(stack, " [")
				found[name] = stack
			}
		}
	}
	return found
}

// eventually waits for what something else brings about.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("It never became true that %s.\n%v", what, slices.Collect(maps.Values(goroutines())))
		}
	}
}

func receive[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatalf("Waited in vain for %s.\n%v", what, slices.Collect(maps.Values(goroutines())))
		panic("unreachable")
	}
}

func (s *server) url() *url.URL {
	u, err := url.Parse(s.URL + "/session")
	if err != nil {
		panic(err)
	}
	return u
}

func (s *server) config() *rest.Config {
	return &rest.Config{Host: s.URL, TLSClientConfig: rest.TLSClientConfig{Insecure: s.TLS != nil}}
}

// client is one of the ways in which client-go runs commands.
type client struct {
	name     string
	executor func(config *rest.Config, u *url.URL) (remotecommand.Executor, error)
}

var (
	webSocketV5 = client{"WebSocket v5", func(config *rest.Config, u *url.URL) (remotecommand.Executor, error) {
		return remotecommand.NewWebSocketExecutor(config, http.MethodGet, u.String())
	}}
	webSocketV4 = client{"WebSocket v4", func(config *rest.Config, u *url.URL) (remotecommand.Executor, error) {
		return remotecommand.NewWebSocketExecutorForProtocols(config, http.MethodGet, u.String(), "v4.channel.k8s.io")
	}}
	overSPDY = client{"SPDY", func(config *rest.Config, u *url.URL) (remotecommand.Executor, error) {
		return remotecommand.NewSPDYExecutor(config, http.MethodPost, u)
	}}
	fallback = client{"fallback", func(config *rest.Config, u *url.URL) (remotecommand.Executor, error) {
		first, err := webSocketV5.executor(config, u)
		if err != nil {
			return nil, err
		}
		second, err := overSPDY.executor(config, u)
		if err != nil {
			return nil, err
		}
		return remotecommand.NewFallbackExecutor(first, second, httpstream.IsUpgradeFailure)
	}}
	clients         = []client{webSocketV5, webSocketV4, overSPDY, fallback}
	clientsThatHalf = []client{webSocketV5, overSPDY}
)

// run runs a command as a client does, and returns its outputs.
func (s *server) run(t *testing.T, c client, options remotecommand.StreamOptions) (stdout, stderr string, err error) {
	t.Helper()
	var out, errOut bytes.Buffer
	options.Stdout = &out
	if !options.Tty {
		options.Stderr = &errOut
	}
	err = s.stream(t.Context(), t, c, options)
	return out.String(), errOut.String(), err
}

func (s *server) stream(ctx context.Context, t *testing.T, c client, options remotecommand.StreamOptions) error {
	t.Helper()
	executor, err := c.executor(s.config(), s.url())
	if err != nil {
		t.Error(err)
		return err
	}
	return executor.StreamWithContext(ctx, options)
}

// dial opens a WebSocket that the test reads and writes itself.
func (s *server) dial(t *testing.T, protocols ...string) *websocket.Conn {
	t.Helper()
	conn, _, err := s.tryDial(protocols...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func (s *server) tryDial(protocols ...string) (*websocket.Conn, *http.Response, error) {
	dialer := websocket.Dialer{
		Subprotocols:    protocols,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		WriteBufferSize: 64,
	}
	return dialer.Dial("ws"+strings.TrimPrefix(s.URL, "http")+"/session", nil)
}

// dialSPDY opens a SPDY connection that the test reads and writes itself.
func (s *server) dialSPDY(t *testing.T, protocol string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	request := "POST /session HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: " + protocol + "\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	// Each byte is read alone, so that none of the frames after the answer is.
	var answer []byte
	for one := make([]byte, 1); !bytes.HasSuffix(answer, []byte("\r\n\r\n")); answer = append(answer, one...) {
		if _, err := io.ReadFull(conn, one); err != nil {
			t.Fatalf("%q: %v", answer, err)
		}
	}
	if !bytes.HasPrefix(answer, []byte("HTTP/1.1 101")) {
		t.Fatalf("the server answered %q", answer)
	}
	return conn
}

// openStreams creates the streams of a command on a SPDY connection, and returns the one with the given name.
func openStreams(t *testing.T, conn net.Conn, name string, others ...string) httpstream.Stream {
	t.Helper()
	session, err := spdy.NewClientConnection(conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	var wanted httpstream.Stream
	for _, kind := range append(others, name) {
		if wanted, err = session.CreateStream(http.Header{"Streamtype": {kind}}); err != nil {
			t.Fatal(err)
		}
	}
	return wanted
}

func fakeClock() *testingclock.FakeClock {
	return testingclock.NewFakeClock(time.Unix(1_700_000_000, 0))
}

// untilDone turns the clock on until done is closed.
func untilDone[T any](t *testing.T, clock *testingclock.FakeClock, step time.Duration, done <-chan T) T {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		select {
		case value := <-done:
			return value
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("The clock was turned in vain.\n%v", slices.Collect(maps.Values(goroutines())))
		}
		clock.Step(step)
	}
}

func stdoutTo(w io.Writer) remotecommand.StreamOptions { return remotecommand.StreamOptions{Stdout: w} }

// statusError returns the Status that refused a request.
func statusError(t *testing.T, response *http.Response) *apierrors.StatusError {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &apierrors.StatusError{ErrStatus: jsonStatus(t, body)}
}
