// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// recentFor is how long after an object was read it may be acted on without another look.
const recentFor = 50 * time.Millisecond

// deleteReads are the entries that one delete request has read. Each is there for one taker.
type deleteReads struct {
	// unconditional is true of a deletion without preconditions that is no dry run.
	unconditional bool

	read sync.Map // deleteKey to deleteRead
}

type deleteKey struct {
	store *Store
	key   string
}

type deleteRead struct {
	entry *entry
	at    time.Time
	// unchecked is true of what was not read live.
	unchecked bool
}

type deleteReadsKey struct{}

// WithDelete returns the context of a delete request. In it Delete may act on what Get has read a moment before: the generic
// registry reads every object that it is about to delete. And Get takes from the view what the source looks at itself before it
// deletes it, unless there are preconditions or it is a dry run.
func WithDelete(ctx context.Context, options *metav1.DeleteOptions) context.Context {
	unconditional := options == nil || options.Preconditions == nil && len(options.DryRun) == 0
	return context.WithValue(ctx, deleteReadsKey{}, &deleteReads{unconditional: unconditional})
}

// readFor is live, but for what WithDelete says.
func (s *Store) readFor(ctx context.Context, key string) (*entry, error) {
	reads, ok := ctx.Value(deleteReadsKey{}).(*deleteReads)
	if !ok {
		return s.live(ctx, key)
	}
	if reads.unconditional && s.DeleteLooks && s.ReadinessCheck() == nil {
		if e := s.get(key); e != nil && !e.moved {
			if _, again := reads.read.LoadOrStore(deleteKey{s, key}, deleteRead{e, s.Clock.Now(), true}); !again {
				return e, nil
			}
		}
	}
	e, err := s.live(ctx, key)
	if e != nil {
		reads.read.Store(deleteKey{s, key}, deleteRead{e, s.Clock.Now(), false})
	}
	return e, err
}

// recent returns what answers to key, nil if nothing does, and when that was known.
func (s *Store) recent(ctx context.Context, key string) (deleteRead, error) {
	if reads, ok := ctx.Value(deleteReadsKey{}).(*deleteReads); ok {
		if read, ok := reads.read.LoadAndDelete(deleteKey{s, key}); ok {
			if found := read.(deleteRead); s.isRecent(found) && s.isCurrent(found.entry) {
				return found, nil
			}
		}
	}
	e, err := s.live(ctx, key)
	return deleteRead{e, s.Clock.Now(), false}, err
}

func (s *Store) isRecent(read deleteRead) bool { return s.Clock.Since(read.at) < recentFor }
