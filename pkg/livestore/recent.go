// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// recentFor is how long after a read Delete may act on an object without reading it again.
const recentFor = 50 * time.Millisecond

// deleteReads holds the entries that one delete request has read. Each of them can be taken once.
type deleteReads struct {
	// unconditional is true for a delete without preconditions that is not a dry run.
	unconditional bool

	read sync.Map // from deleteKey to deleteRead
}

type deleteKey struct {
	store *Store
	key   string
}

type deleteRead struct {
	entry *entry
	at    time.Time
	// unchecked is true if the entry comes from the view and was not read live.
	unchecked bool
}

type deleteReadsKey struct{}

// WithDelete returns the context of a delete request. With it, Delete may act on what Get has read a moment before: the
// generic registry reads every object with Get before it calls Delete. If the source's Delete checks the object itself
// (see Config.DeleteLooks), Get answers from the view, unless there are preconditions or it is a dry run.
func WithDelete(ctx context.Context, options *metav1.DeleteOptions) context.Context {
	unconditional := options == nil || options.Preconditions == nil && len(options.DryRun) == 0
	return context.WithValue(ctx, deleteReadsKey{}, &deleteReads{unconditional: unconditional})
}

// readFor is like live, except for what WithDelete allows.
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

// recent returns the entry that answers to key, nil if there is none, and when it was read.
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
