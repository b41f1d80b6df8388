// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
)

const (
	// frameLimit is the length of the longest SPDY frame that a client may send. The SPDY server holds up to 250 frames
	// in memory for each connection. Clients send frames of 32 KiB.
	frameLimit = 256 << 10
	// frameHeaderLength is the length of the part of a SPDY frame that its length does not count.
	frameHeaderLength = 8
	// heldLimit is the length of the longest SPDY frame that is sent at once. Streams have no longer ones.
	heldLimit = frameHeaderLength + chunk
)

// heldFrames has the memory of frames that are being sent.
var heldFrames = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, heldLimit)) }}

// pingFrame is a SPDY ping. Clients send it back. The SPDY server has not sent it, and skips the answer.
var pingFrame = []byte{0x80, 3, 0, 6, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xfe}

// framedConn is a connection with SPDY frames. It refuses frames that are too long, and sends pings between those of the
// SPDY server, whose own pings stop while it does not read. The SPDY server writes a frame in pieces, down to two bytes.
// The connection sends the frame at once: below it each write is a TLS record, and mostly a WebSocket message as well.
type framedConn struct {
	net.Conn
	source io.Reader // reads Conn, after what was read from it before
	in     frames

	writing sync.Mutex
	out     frames
	held    *bytes.Buffer // the beginning of a frame that was not sent yet, or nil
}

func (c *framedConn) Read(p []byte) (int, error) {
	n, err := c.source.Read(p)
	if longest := c.in.pass(p[:n]); longest > frameLimit {
		return 0, fmt.Errorf("the client sent a SPDY frame of %d bytes: at most %d are allowed", longest, frameLimit)
	}
	return n, err
}

func (c *framedConn) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if len(p) == 0 {
		return 0, nil // the end of a frame without content
	}
	c.out.pass(p)
	if c.held == nil {
		if c.out.between() || len(p) >= heldLimit {
			return c.Conn.Write(p)
		}
		c.held = heldFrames.Get().(*bytes.Buffer)
	}
	c.held.Write(p)
	if !c.out.between() && c.held.Len() < heldLimit {
		return len(p), nil
	}
	_, err := c.Conn.Write(c.held.Bytes())
	c.held.Reset()
	heldFrames.Put(c.held)
	c.held = nil
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// ping sends a ping unless a frame is being sent. It fails if the client has gone.
func (c *framedConn) ping() error {
	if !c.writing.TryLock() {
		return nil
	}
	defer c.writing.Unlock()
	if !c.out.between() {
		return nil
	}
	_, err := c.Conn.Write(pingFrame)
	return err
}

// frames follows the frames of one direction.
type frames struct {
	header [frameHeaderLength]byte
	have   int // how much of the next header has passed
	body   int // how much of the frame is to come
}

// pass takes the next bytes, and returns the length of the longest frame that begins in them.
func (f *frames) pass(p []byte) (longest int) {
	for len(p) > 0 {
		if f.body > 0 {
			skipped := min(f.body, len(p))
			f.body -= skipped
			p = p[skipped:]
			continue
		}
		copied := copy(f.header[f.have:], p)
		f.have += copied
		p = p[copied:]
		if f.have == frameHeaderLength {
			f.have = 0
			// The first of the last four bytes has flags.
			f.body = int(binary.BigEndian.Uint32(f.header[4:]) & 0xffffff)
			longest = max(longest, f.body)
		}
	}
	return longest
}

// between reports whether every frame that has begun has also ended.
func (f *frames) between() bool { return f.have == 0 && f.body == 0 }
