// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"io"

	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// noDetachKeys are keys that nobody presses. Docker takes its own, ctrl-p and ctrl-q, out of the input of a terminal if it
// is given none.
const noDetachKeys = "ctrl-@,ctrl-_,ctrl-@,ctrl-^,ctrl-@,ctrl-],ctrl-@,ctrl-\\"

// Streams are the ends of the streams of a command or a container. Those that are not connected are nil.
type Streams struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// NextSize waits for the next size of the terminal. It returns an error when ctx has ended. It is nil without a
	// terminal.
	NextSize func(ctx context.Context) (width, height uint, err error)
}

// process is a command or a container whose streams are connected.
type process struct {
	client *connection.Client
	conn   *connection.Upgraded
	// tty is true if the process has a terminal. A terminal has one output, which is not multiplexed.
	tty    bool
	resize func(ctx context.Context, c *connection.Connection, size container.ResizeOptions) error
}

// stream copies the streams until the output has ended. It may leave a read of stdin behind. The process goes on without
// its streams if ctx ends earlier.
func (p *process) stream(ctx context.Context, streams Streams) error {
	defer context.AfterFunc(ctx, func() { _ = p.conn.Close() })()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if streams.Stdin != nil {
		go p.send(streams.Stdin)
	}
	if streams.NextSize != nil {
		go p.follow(ctx, streams.NextSize)
	}
	var err error
	if p.tty {
		_, err = io.Copy(orDiscard(streams.Stdout), p.conn)
	} else {
		err = split(orDiscard(streams.Stdout), orDiscard(streams.Stderr), p.conn)
	}
	return err
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}

// send sends input, and then its end. It ends when stdin or the connection does. The input of a terminal has no end: Docker
// would take it for the end of the output, too.
func (p *process) send(stdin io.Reader) {
	if _, err := io.Copy(p.conn, stdin); err == nil && !p.tty {
		// An engine whose connections cannot be ended in one direction waits for more.
		_ = p.conn.CloseWrite()
	}
}

// follow sends sizes until ctx ends. Docker waits for a command that has not begun, and refuses the size of a process that
// has ended, which nobody misses.
func (p *process) follow(ctx context.Context, next func(context.Context) (width, height uint, err error)) {
	for {
		width, height, err := next(ctx)
		if err != nil {
			return
		}
		_ = p.client.Read(ctx, connection.ReadTimeout, func(ctx context.Context, c *connection.Connection) error {
			return p.resize(ctx, c, container.ResizeOptions{Width: width, Height: height})
		})
	}
}
