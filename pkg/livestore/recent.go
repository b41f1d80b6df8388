// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"sync"
	"time"
)

// recentFor is how long after an object was read live it may be acted on without another look.
const recentFor = 50 * time.Millisecond

// recentReads are the entries that one request has read live. Each is there for one taker.
type recentReads struct {
	mu   sync.Mutex
	read map[recentKey]recentRead
}

type recentKey struct {
	store *Store
	key   string
}

type recentRead struct {
	entry *entry
	at    time.Time
}

type recentReadsKey struct{}

// WithRecentReads returns the context of a request in which Delete may act on what Get has read a moment before: the
// generic registry reads every object that it is about to delete.
func WithRecentReads(ctx context.Context) context.Context {
	return context.WithValue(ctx, recentReadsKey{}, &recentReads{read: map[recentKey]recentRead{}})
}

// remember notes what a live read has just found at key.
func (s *Store) remember(ctx context.Context, key string, e *entry) {
	if reads, ok := ctx.Value(recentReadsKey{}).(*recentReads); ok {
		reads.mu.Lock()
		defer reads.mu.Unlock()
		reads.read[recentKey{s, key}] = recentRead{e, s.Clock.Now()}
	}
}

// recent returns what answers to key, nil if nothing does, and when that was known.
func (s *Store) recent(ctx context.Context, key string) (recentRead, error) {
	if reads, ok := ctx.Value(recentReadsKey{}).(*recentReads); ok {
		reads.mu.Lock()
		found, ok := reads.read[recentKey{s, key}]
		delete(reads.read, recentKey{s, key})
		reads.mu.Unlock()
		if ok && s.isRecent(found) && s.isCurrent(found.entry) {
			return found, nil
		}
	}
	e, err := s.live(ctx, key)
	return recentRead{e, s.Clock.Now()}, err
}

func (s *Store) isRecent(read recentRead) bool { return s.Clock.Since(read.at) < recentFor }
