// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
	utilflowcontrol "k8s.io/apiserver/pkg/util/flowcontrol"
)

const (
	// watchBuffer is how many events the channel of a watcher holds.
	watchBuffer = 32
	// watchBatch is how many changes a watcher takes from the history at a time.
	watchBatch = 64
	// bookmarkBeforeDeadline is how long before its deadline a watch gets its last bookmark.
	bookmarkBeforeDeadline = 2 * time.Second
)

// watcher sends the changes after a version. It reads the store's history at its own pace, so that a slow watcher costs
// the others nothing. A watcher that falls behind the history ends with an error event.
type watcher struct {
	store     *Store
	key       string
	recursive bool
	predicate storage.SelectionPredicate
	// everything is true if the predicate selects all objects.
	everything bool
	bookmarks  bool

	// cursor is the version up to which all changes were sent. Only run uses cursor and named.
	cursor uint64
	named  *named // set for a watch of one object

	result   chan watch.Event
	stopOnce sync.Once
	stopped  chan struct{}
}

// ResultChan implements watch.Interface.
func (w *watcher) ResultChan() <-chan watch.Event { return w.result }

// Stop implements watch.Interface. Events that are in the channel can still be read.
func (w *watcher) Stop() { w.stopOnce.Do(func() { close(w.stopped) }) }

// Watch implements storage.Interface. The watch ends with ctx, with Stop of the watch or of the store, or with an error
// event if the version that it must continue from is no longer kept.
func (s *Store) Watch(ctx context.Context, key string, opts storage.ListOptions) (watch.Interface, error) {
	key, err := s.prepareKey(key, opts.Recursive)
	if err != nil {
		return nil, err
	}
	version, err := s.parseVersion(opts.ResourceVersion)
	if err != nil {
		return nil, err
	}
	defer utilflowcontrol.WatchInitialized(ctx)

	sendInitial := version == 0
	if opts.SendInitialEvents != nil {
		sendInitial = *opts.SendInitialEvents
	}
	if opts.ResourceVersion == "" {
		if err := s.pass(ctx); err != nil {
			return nil, err
		}
	}
	w := &watcher{
		store:      s,
		key:        key,
		recursive:  opts.Recursive,
		predicate:  opts.Predicate,
		everything: opts.Predicate.Empty(),
		bookmarks:  opts.Predicate.AllowWatchBookmarks || opts.ProgressNotify,
		result:     make(chan watch.Event, watchBuffer),
		stopped:    make(chan struct{}),
	}
	present, next, err := s.startWatch(w, version, sendInitial, sendInitial && opts.SendInitialEvents != nil)
	if err != nil {
		return nil, err
	}
	go w.run(ctx, present, next)
	return w, nil
}

// startWatch sets the version that the watch begins at. It returns the objects to send first, and the events to send
// after them.
func (s *Store) startWatch(w *watcher, version uint64, sendInitial, tellTheirEnd bool) (present []*shared, next []watch.Event, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	current := s.Versions.Current()
	switch {
	case version > current:
		return nil, []watch.Event{errorEvent(newFutureVersion(version, current))}, nil
	case s.unavailable != nil && (sendInitial || version == 0):
		return nil, nil, s.unavailable
	case !sendInitial && version != 0 && version < s.view.base:
		return nil, []watch.Event{errorEvent(newExpired(version, s.view.base))}, nil
	case !sendInitial && version != 0:
		w.cursor = version
	default:
		w.cursor = current
	}
	if !w.recursive {
		w.named = s.view.named(w.key, w.cursor)
	}
	if !sendInitial {
		return nil, nil, nil
	}
	if tellTheirEnd && w.predicate.AllowWatchBookmarks {
		next = []watch.Event{{Type: watch.Bookmark, Object: s.emptyObject(current, initialEventsEnd)}}
	}
	return s.selectLocked(current, w.key, w.key, w.recursive, w.predicate), next, nil
}

// run owns the result channel. Watch starts it; ctx, Stop, or an error event ends it.
func (w *watcher) run(ctx context.Context, present []*shared, next []watch.Event) {
	defer close(w.result)
	changes := w.store.changes.listen()
	for _, object := range present {
		if w.matches(object) && !w.send(ctx, watch.Event{Type: watch.Added, Object: object}) {
			return
		}
	}
	for _, event := range next {
		if !w.send(ctx, event) || event.Type == watch.Error {
			return
		}
	}
	timer := w.store.Clock.NewTimer(w.untilBookmark(ctx))
	defer timer.Stop()
	batch := make([]*change, 0, watchBatch)
	bookmarkDue := false
	for {
		changes.look() // call look before changesAfter: then no change goes unnoticed in between
		var kept bool
		var upTo uint64
		batch, upTo, kept = w.store.changesAfter(w.cursor, batch)
		if !kept {
			w.send(ctx, errorEvent(newExpired(w.cursor, upTo)))
			return
		}
		for _, c := range batch {
			if !w.sendChange(ctx, c) {
				return
			}
		}
		w.cursor = upTo
		if len(batch) > 0 {
			continue
		}
		if bookmarkDue {
			bookmarkDue = false
			if w.bookmarks && !w.send(ctx, watch.Event{Type: watch.Bookmark, Object: w.store.emptyObject(w.cursor, nil)}) {
				return
			}
			timer.Reset(w.untilBookmark(ctx))
		}
		var ok bool
		if bookmarkDue, ok = w.wait(ctx, changes, timer.C()); !ok {
			return
		}
	}
}

// wait waits for a change or for a due bookmark. It returns not ok when the watch ends.
func (w *watcher) wait(ctx context.Context, changes *listener, bookmark <-chan time.Time) (bookmarkDue, ok bool) {
	defer changes.heard()
	select {
	case <-changes.wait():
		return false, true
	case <-bookmark:
		return true, true // other stores may have raised the version: read it again before the bookmark
	case <-ctx.Done():
	case <-w.stopped:
	case <-w.store.stopped:
	}
	return false, false
}

// changesAfter returns the next changes after a version and the version up to which they reach. It uses the memory of
// batch. If these changes are no longer kept, upTo is the version at which the history begins.
func (s *Store) changesAfter(version uint64, batch []*change) (_ []*change, upTo uint64, kept bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if version < s.view.base {
		return nil, s.view.base, false
	}
	rest := s.view.history[s.view.indexAfter(version):]
	if len(rest) > watchBatch {
		rest = rest[:watchBatch]
		return append(batch[:0], rest...), rest[watchBatch-1].version, true
	}
	return append(batch[:0], rest...), s.Versions.Current(), true
}

func (w *watcher) untilBookmark(ctx context.Context) time.Duration {
	interval := w.store.BookmarkInterval
	if deadline, ok := ctx.Deadline(); ok {
		if left := deadline.Sub(w.store.Clock.Now()) - bookmarkBeforeDeadline; left > 0 {
			interval = min(interval, left)
		}
	}
	return interval
}

func (w *watcher) sendChange(ctx context.Context, c *change) bool {
	changes := []*change{c}
	if w.named != nil {
		changes = w.named.follow(c)
	} else if !strings.HasPrefix(c.key, w.key) {
		return true
	}
	for _, c := range changes {
		if event, ok := w.event(c); ok && !w.send(ctx, event) {
			return false
		}
	}
	return true
}

// event returns the event that a watch with this selector sees for the change, if any.
func (w *watcher) event(c *change) (watch.Event, bool) {
	is, was := w.matches(c.object), w.matches(c.previous)
	switch {
	case is && was:
		return watch.Event{Type: watch.Modified, Object: c.object}, true
	case is:
		return watch.Event{Type: watch.Added, Object: c.object}, true
	case was:
		return watch.Event{Type: watch.Deleted, Object: c.removed()}, true
	}
	return watch.Event{}, false
}

func (w *watcher) matches(object *shared) bool {
	if object == nil || w.everything {
		return object != nil
	}
	matches, err := w.predicate.Matches(object.object)
	return err == nil && matches
}

func (w *watcher) send(ctx context.Context, event watch.Event) bool {
	if w.ended(ctx) { // an ended watch sends nothing, even if the channel has room
		return false
	}
	select { // a select with a single case is much cheaper
	case w.result <- event:
		return true
	default:
	}
	select {
	case w.result <- event:
		return true
	case <-ctx.Done():
	case <-w.stopped:
	case <-w.store.stopped:
	}
	return false
}

func (w *watcher) ended(ctx context.Context) bool {
	select {
	case <-w.stopped:
		return true
	default:
		return ctx.Err() != nil
	}
}

func errorEvent(err *apierrors.StatusError) watch.Event {
	return watch.Event{Type: watch.Error, Object: &err.ErrStatus}
}
