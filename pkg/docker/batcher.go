// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"sync"
)

// batcher lets any number of callers share the runs of one function. There is one run at a time. A caller shares only a
// run that began after the call.
type batcher[T any] struct {
	run func() (T, error)

	mu      sync.Mutex
	next    *batch[T]
	running bool
}

type batch[T any] struct {
	done  chan struct{}
	value T
	err   error
}

func (b *batcher[T]) do(ctx context.Context) (T, error) {
	b.mu.Lock()
	if b.next == nil {
		b.next = &batch[T]{done: make(chan struct{})}
	}
	joined := b.next
	if !b.running {
		b.running = true
		go b.loop()
	}
	b.mu.Unlock()

	select {
	case <-joined.done:
		return joined.value, joined.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// loop runs the function until no caller waits, and then returns.
func (b *batcher[T]) loop() {
	for {
		b.mu.Lock()
		current := b.next
		b.next = nil
		if current == nil {
			b.running = false
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		current.value, current.err = b.run()
		close(current.done)
	}
}
