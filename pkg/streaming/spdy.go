// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
)

// creation is how long a client may take to create its streams.
const creation = 30 * time.Second

// spdyConnection is a connection with the protocol v4.channel.k8s.io over SPDY. It has a stream for each channel of a
// WebSocket.
type spdyConnection struct {
	hijacker hijacker
	conn     httpstream.Connection
	// ready is closed when the client has created all wanted streams.
	ready chan struct{}

	mu      sync.Mutex
	wanted  map[string]bool
	streams map[string]httpstream.Stream
	closed  bool
}

func upgradeToSPDY(w http.ResponseWriter, r *http.Request, command Command, session *session) (connection, error) {
	if _, err := httpstream.Handshake(r, w, spdyCommandProtocols); err != nil {
		return nil, nil // commandUpgrade has seen a protocol that is served. The client was answered nevertheless.
	}
	c := &spdyConnection{
		ready: make(chan struct{}),
		wanted: map[string]bool{
			remotecommand.StreamTypeError:  true,
			remotecommand.StreamTypeStdin:  command.Stdin,
			remotecommand.StreamTypeStdout: command.Stdout,
			remotecommand.StreamTypeStderr: command.Stderr,
			remotecommand.StreamTypeResize: command.TTY,
		},
		streams: map[string]httpstream.Stream{},
	}
	c.conn = spdy.NewResponseUpgrader().UpgradeResponse(&spdyWriter{w, &c.hijacker}, r, c.accept)
	if c.conn == nil {
		c.hijacker.close()
		return nil, nil
	}
	timer := session.sessions.clock.NewTimer(creation)
	defer timer.Stop()
	select {
	case <-c.ready:
		return c, nil
	case <-c.conn.CloseChan():
	case <-session.ctx.Done():
	case <-timer.C():
	}
	c.close()
	return nil, nil
}

// accept takes each wanted stream once.
func (c *spdyConnection) accept(stream httpstream.Stream, _ <-chan struct{}) error {
	kind := stream.Headers().Get(remotecommand.StreamType)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return errors.New("the session has ended")
	case !c.wanted[kind]:
		return fmt.Errorf("the session has no more streams of the type %q", kind)
	}
	delete(c.wanted, kind)
	c.streams[kind] = stream
	for _, wanted := range c.wanted {
		if wanted {
			return nil
		}
	}
	close(c.ready)
	return nil
}

// stream returns nil for a stream that the command does not have. The streams must be ready.
func (c *spdyConnection) stream(kind string) httpstream.Stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.streams[kind]
}

func (c *spdyConnection) receive(in input) {
	var copying sync.WaitGroup
	if stdin := c.stream(remotecommand.StreamTypeStdin); stdin != nil {
		copying.Go(func() {
			buffer := in.stdin
			_, err := io.Copy(touching{buffer, in.touch}, stdin)
			buffer.end(c.endOf(err))
		})
	}
	if resize := c.stream(remotecommand.StreamTypeResize); resize != nil {
		copying.Go(func() {
			in.sizes.decode(io.TeeReader(resize, touching{io.Discard, in.touch}))
			// A frame that nobody reads would hold up the connection.
			_, _ = io.Copy(io.Discard, resize)
		})
	}
	<-c.conn.CloseChan()
	in.stdin.drop(io.ErrUnexpectedEOF)
	c.close()
	copying.Wait()
}

// endOf returns the error that ends the input when a copy of it has returned err. A stream that is cut off looks like one
// that the client has closed.
func (c *spdyConnection) endOf(err error) error {
	if err != nil {
		return err
	}
	select {
	case <-c.conn.CloseChan():
		return io.ErrUnexpectedEOF
	default:
		return io.EOF
	}
}

var outputTypes = map[byte]string{
	stdoutChannel: remotecommand.StreamTypeStdout,
	stderrChannel: remotecommand.StreamTypeStderr,
}

func (c *spdyConnection) write(channel byte, p []byte) error {
	_, err := c.stream(outputTypes[channel]).Write(p)
	return err
}

func (c *spdyConnection) ping() error { return c.hijacker.ping() }

// finish closes the output before the status, and the rest after it.
func (c *spdyConnection) finish(status []byte) error {
	for _, kind := range outputTypes {
		if stream := c.stream(kind); stream != nil {
			if err := stream.Close(); err != nil {
				return err
			}
		}
	}
	if _, err := c.stream(remotecommand.StreamTypeError).Write(status); err != nil {
		return err
	}
	for _, kind := range []string{remotecommand.StreamTypeError, remotecommand.StreamTypeStdin, remotecommand.StreamTypeResize} {
		if stream := c.stream(kind); stream != nil {
			if err := stream.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}

// close closes the network connection first: a client that does not read must not hold up the rest. Then it resets the
// streams. Otherwise the goroutines that hand over their frames would wait forever.
func (c *spdyConnection) close() {
	c.hijacker.close()
	c.mu.Lock()
	c.closed = true
	streams := c.streams
	c.mu.Unlock()
	for _, stream := range streams {
		_ = stream.Reset()
	}
	_ = c.conn.Close()
}

// touching is a writer that notes that something was sent.
type touching struct {
	io.Writer
	touch func()
}

func (t touching) Write(p []byte) (int, error) {
	t.touch()
	return t.Writer.Write(p)
}
