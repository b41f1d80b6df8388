// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package keylocks lets the writes to one thing take turns.
package keylocks

import (
	"context"
	"sync"
)

// Locks holds one lock for each key in use. A caller stops waiting for a lock when its context ends.
type Locks struct {
	mu    sync.Mutex
	byKey map[string]*lock
}

type lock struct {
	held  chan struct{} // one element while the lock is held
	users int
}

// Lock waits for the lock of the key. It returns the function that releases the lock.
func (l *Locks) Lock(ctx context.Context, key string) (unlock func(), err error) {
	l.mu.Lock()
	if l.byKey == nil {
		l.byKey = map[string]*lock{}
	}
	wanted := l.byKey[key]
	if wanted == nil {
		wanted = &lock{held: make(chan struct{}, 1)}
		l.byKey[key] = wanted
	}
	wanted.users++
	l.mu.Unlock()

	leave := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if wanted.users--; wanted.users == 0 {
			delete(l.byKey, key)
		}
	}
	select {
	case wanted.held <- struct{}{}:
		return func() { <-wanted.held; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
