// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// inputLimit is how much input is kept for a process that does not read it. A client that sends more has to wait, and then
// its resizes wait as well.
const inputLimit = 1 << 20

// inputMemory is the memory of buffers that are not empty.
var inputMemory = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// buffer holds what a client has sent until the process reads it. One goroutine writes it, another one reads it.
type buffer struct {
	limit int

	mu      sync.Mutex
	changed *sync.Cond
	data    *bytes.Buffer // nil if there is none
	err     error         // what a read returns when there is no more data
	dropped bool
}

func newBuffer(limit int) *buffer {
	b := &buffer{limit: limit}
	b.changed = sync.NewCond(&b.mu)
	return b
}

// Write waits for room. It never fails: what comes after drop is thrown away.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for rest := p; len(rest) > 0; {
		for b.data != nil && b.data.Len() >= b.limit && !b.dropped {
			b.changed.Wait()
		}
		if b.dropped {
			break
		}
		if b.data == nil {
			b.data = inputMemory.Get().(*bytes.Buffer)
		}
		n := min(len(rest), b.limit-b.data.Len())
		b.data.Write(rest[:n])
		rest = rest[n:]
		b.changed.Broadcast()
	}
	return len(p), nil
}

// Read waits for data, for end or for drop.
func (b *buffer) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.data == nil {
		if b.err != nil {
			return 0, b.err
		}
		if len(p) == 0 {
			return 0, nil
		}
		b.changed.Wait()
	}
	n, err := b.data.Read(p)
	if b.data.Len() == 0 {
		b.release()
	}
	b.changed.Broadcast()
	return n, err
}

// WriteTo writes to w what is written to the buffer, until end or drop. It holds no memory while nothing comes.
func (b *buffer) WriteTo(w io.Writer) (written int64, err error) {
	for {
		b.await()
		piece := chunks.Get().(*[chunk]byte)
		n, err := b.Read(piece[:])
		if n > 0 {
			_, err = w.Write(piece[:n])
			written += int64(n)
		}
		chunks.Put(piece)
		if errors.Is(err, io.EOF) {
			return written, nil
		}
		if err != nil {
			return written, err
		}
	}
}

// await waits until Read does not have to wait.
func (b *buffer) await() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.data == nil && b.err == nil {
		b.changed.Wait()
	}
}

// end makes reads return err after what was written. Only the first end counts.
func (b *buffer) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
	b.changed.Broadcast()
}

// drop throws away what was written and what will be, and makes reads return err.
func (b *buffer) drop(err error) {
	b.end(err)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dropped = true
	b.release()
	b.changed.Broadcast()
}

// release gives the memory back. The caller holds the lock.
func (b *buffer) release() {
	if b.data != nil {
		b.data.Reset()
		inputMemory.Put(b.data)
		b.data = nil
	}
}
