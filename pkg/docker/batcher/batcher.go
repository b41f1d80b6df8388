// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package batcher lets many callers share the runs of one function.
package batcher

import (
	"context"
	"sync"
)

// Batcher lets any number of callers share the runs of one function. There is one run at a time. A caller shares only a
// run that began after the call.
type Batcher[T any] struct {
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

// New returns a batcher of the function. The function must end by itself, because no caller's context reaches it.
func New[T any](run func() (T, error)) *Batcher[T] { return &Batcher[T]{run: run} }

// Do returns the result of a run that began after the call. If ctx ends before, it returns the error of ctx, and the run
// goes on.
func (b *Batcher[T]) Do(ctx context.Context) (T, error) {
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
func (b *Batcher[T]) loop() {
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
