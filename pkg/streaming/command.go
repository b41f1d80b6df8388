// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"k8s.io/klog/v2"
)

// chunk is the largest piece of output that is sent as one message. With all headers the message fills two TLS records.
const chunk = 32<<10 - 32

// chunks has the memory of pieces that are being copied.
var chunks = sync.Pool{New: func() any { return new([chunk]byte) }}

// copyChunks copies in pieces of the right length, which io.Copy does not.
func copyChunks(to io.Writer, from io.Reader) (int64, error) {
	buffer := chunks.Get().(*[chunk]byte)
	defer chunks.Put(buffer)
	return io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, buffer[:])
}

// Streams are the ends of a command's streams. Those that the client did not ask for are nil.
type Streams struct {
	// Stdin ends with io.EOF when the client has closed it. Reads also end when Execute has returned.
	Stdin io.Reader
	// Stdout and Stderr may be written by two goroutines at the same time. A write waits for a client that reads slowly.
	Stdout, Stderr io.Writer
	// Resize brings the newest size of the client's terminal. It is nil without a terminal, and is never closed.
	Resize <-chan TerminalSize
}

// Executor runs a command.
type Executor interface {
	// Prepare is called before the upgrade, if the request can be upgraded and there is room for a session. An error is
	// an answer to the request.
	Prepare(ctx context.Context) error
	// Execute runs the command with the given streams, and returns when it has ended and all of its output was written.
	// It returns nil for the exit code 0, and an exec.ExitError of k8s.io/utils for another one. Any other error is a
	// Kubernetes API error for the client. Execute returns soon after ctx has ended. The cause of ctx says why.
	Execute(ctx context.Context, streams Streams) error
}

// Command describes a session that runs a command.
type Command struct {
	// Kind is the kind of the session, such as "exec". Metrics are counted by it.
	Kind                       string
	Stdin, Stdout, Stderr, TTY bool
}

// connection is an upgraded connection that carries the streams of a command. It has one protocol or another.
type connection interface {
	// receive hands over what the client sends until the client has left or close was called.
	receive(in input)
	// write sends p on a channel of the output: remotecommand.StreamStdOut or remotecommand.StreamStdErr.
	write(channel byte, p []byte) error
	// ping writes something that the client skips. It fails if the client has gone.
	ping() error
	// finish ends the output and tells the client the status.
	finish(status []byte) error
	// close closes the connection at once. All other methods return then.
	close()
}

// input is where a connection puts what the client sends.
type input struct {
	stdin *buffer
	sizes resizes
	touch func()
}

// Execute serves a request for a session that runs a command. If the context of the request ends with a cause, the
// session ends and its client is told the cause. Execute returns an error if the request was not upgraded. Then nothing
// has been answered yet. Else it returns nil when the session is over.
func (s *Sessions) Execute(w http.ResponseWriter, r *http.Request, command Command, executor Executor) error {
	upgrade, err := commandUpgrade(r)
	if err != nil {
		return err
	}
	session, err := s.begin(r.Context(), command.Kind)
	if err != nil {
		return err
	}
	defer session.end()
	if err := executor.Prepare(session.ctx); err != nil {
		return err
	}
	conn, err := upgrade(w, r, command, session)
	if err != nil {
		return err
	}
	if conn != nil {
		session.run(conn, command, executor)
	}
	return nil
}

// run runs the command. Output comes first, then the status, then the end of the connection.
func (s *session) run(conn connection, command Command, executor Executor) {
	defer conn.close()
	// What a client sends to a process that has ended keeps no session alive.
	var over atomic.Bool
	in := input{stdin: newBuffer(inputLimit), sizes: newResizes(), touch: func() {
		if !over.Load() {
			s.touch()
		}
	}}
	// Nobody reads what was not asked for.
	if !command.Stdin {
		in.stdin.drop(io.EOF)
	}
	defer in.stdin.drop(io.ErrClosedPipe)
	stop := context.AfterFunc(s.ctx, func() { in.stdin.drop(context.Cause(s.ctx)) })
	defer stop()

	received := make(chan struct{})
	s.goroutines.Go(func() {
		defer close(received)
		conn.receive(in)
		s.cancel(errClientGone)
	})
	s.goroutines.Go(func() { s.beat(conn.ping) })
	s.goroutines.Go(func() { s.guard(conn.close) })

	err := executor.Execute(s.ctx, s.streams(conn, command, in))
	over.Store(true)
	in.stdin.drop(io.ErrClosedPipe)
	s.farewell(conn, s.outcome(err), received)
}

func (s *session) streams(conn connection, command Command, in input) Streams {
	var streams Streams
	if command.Stdin {
		streams.Stdin = in.stdin
	}
	if command.Stdout {
		streams.Stdout = output{s, conn, stdoutChannel}
	}
	if command.Stderr {
		streams.Stderr = output{s, conn, stderrChannel}
	}
	if command.TTY {
		streams.Resize = in.sizes
	}
	return streams
}

// outcome returns what the client is told. An executor that was made to end may return any error.
func (s *session) outcome(err error) error {
	if _, exited := exitError(err); err == nil || exited || s.ctx.Err() == nil {
		return err
	}
	return context.Cause(s.ctx)
}

// farewell tells the client how the command ended, and waits until the client has closed the connection.
func (s *session) farewell(conn connection, outcome error, received <-chan struct{}) {
	if s.gone() {
		return
	}
	encoded, err := encodeStatus(outcome)
	if err == nil {
		err = conn.finish(encoded)
	}
	if err != nil {
		klog.FromContext(s.ctx).V(2).Info("A client was not told how its session ended", "kind", s.kind, "err", err)
		return
	}
	timer := s.sessions.clock.NewTimer(linger)
	defer timer.Stop()
	select {
	case <-received:
	case <-timer.C():
	}
}

// output is an output of a command.
type output struct {
	session *session
	conn    connection
	channel byte
}

// ReadFrom implements io.ReaderFrom.
func (o output) ReadFrom(r io.Reader) (int64, error) { return copyChunks(o, r) }

func (o output) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		next := p[written:min(len(p), written+chunk)]
		if err := o.conn.write(o.channel, next); err != nil {
			o.session.cancel(errClientGone)
			return written, fmt.Errorf("sending the output to the client: %w", err)
		}
		o.session.touch()
		written += len(next)
	}
	return written, nil
}
