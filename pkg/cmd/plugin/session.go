// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/kubectl/pkg/util/interrupt"
	"k8s.io/kubectl/pkg/util/term"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/plugin/cutoff"
)

// errNoTerminal is the error of a command with -i and -t when the user's input is no terminal.
var errNoTerminal = errors.New("the input device is not a TTY: leave out -t")

// streams are what a session connects. A nil one is not connected.
type streams struct {
	in       io.Reader
	out, err io.Writer
	// terminal connects the user's terminal, its size and its signals. Then the input and the output are its own, and
	// there is no other output.
	terminal bool
	// filter changes what is read from the input. It may be nil.
	filter func(io.Reader) io.Reader
	// start is for a session with a container that does not run yet. Otherwise it is nil.
	start *start
}

// start is how a session and the start of its container wait for each other.
type start struct {
	// attached is called when the container is attached to, so that it can be started.
	attached func()
	// running is closed when the container has started. Before, Docker refuses the size of a terminal.
	running <-chan struct{}
}

// session opens the subresource of a container, and copies its streams until it ends. It leaves the user's terminal as it
// was. If the process in the container fails, the error is an exec.CodeExitError.
func (s subresource) session(ctx context.Context, c *containers, name string, options runtime.Object, connected streams) error {
	executor, err := s.executor(c, name, options, connected.start)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	stream := remotecommand.StreamOptions{Tty: connected.terminal}
	if connected.in != nil {
		in := connected.in
		if connected.filter != nil {
			in = connected.filter(in)
		}
		stream.Stdin = strictReader{in, end}
	}
	if connected.out != nil {
		stream.Stdout = strictWriter{connected.out, end}
	}
	if connected.err != nil && !connected.terminal {
		stream.Stderr = strictWriter{connected.err, end}
	}
	run := func() error { return executor.StreamWithContext(ctx, stream) }
	if connected.terminal {
		terminal := term.TTY{In: connected.in, Out: connected.out, Raw: true, Parent: interrupt.New(exitBySignal)}
		if sizes := terminal.MonitorSize(terminal.GetSize()); sizes != nil {
			queue := terminalSizes{TerminalSizeQueue: sizes, current: terminal.GetSize, over: ctx.Done()}
			if connected.start != nil {
				queue.running = connected.start.running
			}
			stream.TerminalSizeQueue = queue
		}
		err = terminal.Safe(run)
	} else {
		err = run()
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return s.explain(c, err)
}

// executor returns a client of the subresource. It speaks SPDY if something between here and the server knows no
// WebSockets. before may be nil.
func (s subresource) executor(c *containers, name string, options runtime.Object, before *start) (remotecommand.Executor, error) {
	url := s.of(c.rest.Get(), c, name, options).URL()
	config := c.config
	if before != nil {
		config = rest.CopyConfig(config)
		config.Wrap(func(next http.RoundTripper) http.RoundTripper { return upgradeNotifier{next, before.attached} })
	}
	webSocket, err := remotecommand.NewWebSocketExecutor(config, http.MethodGet, url.String())
	if err != nil {
		return nil, err
	}
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, err
	}
	fallback, err := remotecommand.NewSPDYExecutorForTransports(transport, cutoff.Upgrader{Upgrader: upgrader}, http.MethodPost, url)
	if err != nil {
		return nil, err
	}
	return remotecommand.NewFallbackExecutor(webSocket, fallback, cannotUpgrade)
}

// upgradeNotifier is a transport that calls upgraded after an upgrade. There is at most one: the second protocol is tried if
// the upgrade to the first one fails.
type upgradeNotifier struct {
	http.RoundTripper
	upgraded func()
}

// RoundTrip implements http.RoundTripper.
func (n upgradeNotifier) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := n.RoundTripper.RoundTrip(request)
	if err == nil && response.StatusCode == http.StatusSwitchingProtocols {
		n.upgraded()
	}
	return response, err
}

// cannotUpgrade reports whether another protocol may help. It does not help against the refusal of a server that understood
// the request.
func cannotUpgrade(err error) bool {
	if status := apierrors.APIStatus(nil); errors.As(err, &status) && !apierrors.IsBadRequest(err) {
		return false
	}
	return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
}

// exitBySignal ends the process with the status that a shell gives a process that a signal has ended.
func exitBySignal(signal os.Signal) {
	const base = 128
	number, _ := signal.(syscall.Signal)
	os.Exit(base + int(number))
}

// terminalSizes converts the sizes of a terminal.
type terminalSizes struct {
	term.TerminalSizeQueue
	current func() *term.TerminalSize
	// running holds the sizes back until it is closed or the session is over. It may be nil.
	running, over <-chan struct{}
}

// Next implements remotecommand.TerminalSizeQueue. The queue may hold an older size, so it tells only when to look.
func (t terminalSizes) Next() *remotecommand.TerminalSize {
	if t.running != nil {
		select {
		case <-t.running:
		case <-t.over:
			return nil
		}
	}
	next := t.TerminalSizeQueue.Next()
	if next == nil {
		return nil
	}
	if now := t.current(); now != nil {
		next = now
	}
	return &remotecommand.TerminalSize{Width: next.Width, Height: next.Height}
}
