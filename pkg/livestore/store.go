// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package livestore serves the objects of a live source, such as a container engine, through the storage interface of
// Kubernetes API servers. It stores nothing. A store keeps a view of the source in memory and gives each change of the
// view a resourceVersion. Before a store answers a live read, it passes a fence. The answer then shows every change
// that was complete in the source when the read came in.
package livestore

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

const (
	// DefaultHistorySize is the default of Config.HistorySize.
	DefaultHistorySize = 4096
	// DefaultBookmarkInterval is the default of Config.BookmarkInterval.
	DefaultBookmarkInterval = time.Minute

	// allSubjects is a subject of the tracker. Its observation lists the subjects of the source. No source may have a
	// subject with this name.
	allSubjects = "\x00"
)

// Config configures a Store.
type Config struct {
	// Versions is shared by all stores of a server.
	Versions *Versions
	// Resource is the resource that errors name.
	Resource schema.GroupResource
	// Prefix begins and ends with a slash. The key of an object in the storage interface is Prefix followed by
	// namespace/name.
	Prefix  string
	NewFunc func() runtime.Object
	Source  Source
	// Aliases returns other names to which an object answers in its namespace. It may be nil. The answer carries the
	// name that the client asked for. The name of an object wins over an alias. An alias that two objects share means
	// neither of them.
	Aliases func(runtime.Object) []string
	// IndexedFields maps fields to the functions that read them. Selectors find objects by these fields without looking
	// at all objects. It may be nil.
	IndexedFields map[string]func(runtime.Object) string
	// Moves reports whether the key of an object can go from one subject to another in one step, as a tag goes from one
	// image to another. Such a key is never missing in between, whichever of the two subjects is observed first. If
	// Moves is nil, no key can.
	Moves func(runtime.Object) bool
	// SetGeneration writes the generation into an object: the version at which its spec last changed. Other objects may
	// share what the fields of the object point to. SetGeneration must not write there. If it is nil, objects keep the
	// generation that the source gives them.
	SetGeneration func(object runtime.Object, generation int64)
	// SpecChanged reports whether the spec has changed, so that the object gets a new generation. If it is nil, an
	// object keeps the generation that it was added with.
	SpecChanged func(old, updated runtime.Object) bool
	// DeleteLooks says that Delete of the source checks the object right before it deletes it. Delete must then answer
	// NotFound or Conflict if the object has another uid than the given one. A delete request of a client then need not
	// read the object first.
	DeleteLooks bool
	// GetFence is set if the objects of a subject also show other things of the source, as an image shows whether a
	// container uses it. A new observation of the subject alone then does not prove that the object is current. A live get
	// therefore calls GetFence, which returns after every change of these other things that was complete before the call
	// has been reported.
	GetFence func(context.Context) error
	// Clock drives all timers. If it is nil, the store uses the real clock.
	Clock clock.WithDelayedExecution
	// HistorySize is how many changes the store keeps for watches and exact lists. 0 means DefaultHistorySize.
	HistorySize int
	// BookmarkInterval is the time between two bookmarks of one watch. 0 means DefaultBookmarkInterval.
	BookmarkInterval time.Duration
}

// Store is the storage.Interface of one resource over a live source. It is unavailable until Resync has succeeded.
//
// The store, its tracker and its notifier have a lock each. These locks are never held together. None of them is held
// during a call of the source, or during a channel send that can block.
type Store struct {
	Config
	versioner storage.APIObjectVersioner
	tracker   *tracker
	keeper    *keeper
	stop      context.CancelFunc
	stopped   <-chan struct{}

	mu          sync.RWMutex
	view        *view
	changes     *notifier
	unavailable error              // why reads fail; nil while the store is available
	suspects    map[string]suspect // by subject; nil when no comparison is running
	listed      *listed            // nil when there is no listing to take objects from
}

var (
	_ storage.Interface = &Store{}
	_ Sink              = &Store{}
)

// New returns a store. Call Stop to end its goroutines.
func New(config Config) *Store {
	config = config.withDefaults()
	ctx, stop := context.WithCancel(context.Background())
	s := &Store{
		Config:      config,
		stop:        stop,
		stopped:     ctx.Done(),
		view:        newView(config),
		changes:     newNotifier(),
		keeper:      &keeper{clock: config.Clock},
		unavailable: newUnavailable(config.Resource, "the source has not been read yet"),
	}
	s.tracker = newTracker(ctx, config.Clock, s.observe)
	return s
}

// withDefaults returns the config with defaults in place of what is not set.
func (c Config) withDefaults() Config {
	if c.Clock == nil {
		c.Clock = clock.RealClock{}
	}
	if c.Aliases == nil {
		c.Aliases = func(runtime.Object) []string { return nil }
	}
	if c.SetGeneration == nil {
		c.SetGeneration = func(runtime.Object, int64) {}
	}
	if c.SpecChanged == nil {
		c.SpecChanged = func(_, _ runtime.Object) bool { return false }
	}
	if c.HistorySize == 0 {
		c.HistorySize = DefaultHistorySize
	}
	if c.BookmarkInterval == 0 {
		c.BookmarkInterval = DefaultBookmarkInterval
	}
	return c
}

// Stop ends all watches and observations. It waits for the observations to end, not for the watches.
func (s *Store) Stop() {
	s.stop()
	s.keeper.stop()
	s.tracker.close()
}

// MarkDirty implements Sink.
func (s *Store) MarkDirty(subject string) { s.tracker.mark(false, subject) }

// MarkAllDirty implements Sink.
func (s *Store) MarkAllDirty() { s.tracker.mark(false, allSubjects) }

// Changed returns a channel that is closed at the next change of what the store holds.
func (s *Store) Changed() <-chan struct{} { return s.changes.next() }

// Each calls visit for every object that the store holds, even if the store is unavailable. visit runs under the
// store's lock: it must not change the object, and must not wait for anything.
func (s *Store) Each(visit func(runtime.Object)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.view.ordered.Ascend(func(object *shared) bool {
		visit(object.object)
		return true
	})
}

// SetUnavailable implements Sink.
func (s *Store) SetUnavailable(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unavailable = err
}

// observe reads one subject and applies the result to the view. For allSubjects it lists the subjects instead.
func (s *Store) observe(ctx context.Context, subject string, comparison bool) ([]string, error) {
	if subject == allSubjects {
		listed, err := s.Source.Subjects(ctx)
		if err != nil {
			return nil, err
		}
		// A subject that is being observed may have been read before it went, and may not be in the view yet.
		underWay := sets.New(s.tracker.underWay()...).Delete(allSubjects)
		s.mu.RLock()
		defer s.mu.RUnlock()
		return sets.KeySet(s.view.owned).SymmetricDifference(sets.New(listed...)).Union(underWay).UnsortedList(), nil
	}
	for {
		objects, observed := s.takeListed(subject)
		var related []string
		var err error
		if observed == nil {
			s.mu.Lock()
			observed = s.view.begin()
			s.mu.Unlock()
			objects, related, err = s.Source.Observe(ctx, subject)
		}
		if err != nil {
			s.abandon()
			return nil, err
		}

		s.mu.Lock()
		confirmed := false
		if comparison && s.unavailable == nil && s.suspects != nil { // a slow observation may outlast its comparison
			var isNew bool
			if isNew, confirmed = s.suspectLocked(subject, objects); isNew {
				s.view.end()
				s.mu.Unlock()
				// The next observation of this subject may not return them again.
				s.tracker.mark(false, related...)
				return nil, nil
			}
		}
		s.mu.Unlock()

		heirs, err := s.heirs(ctx, subject, objects)
		if err != nil {
			s.abandon()
			return nil, err
		}
		s.mu.Lock()
		changes, dirty, repeat := s.view.apply(subject, objects, heirs, observed)
		s.mu.Unlock()
		if changes > 0 {
			s.changes.notify()
		}
		if confirmed {
			klog.FromContext(ctx).Info("A comparison found a change that nothing had reported", "resource", s.Resource, "subject", subject)
			comparisonDifferences.WithLabelValues(s.Resource.String()).Add(float64(changes + len(heirs)))
		}
		if !repeat {
			return append(related, dirty...), nil
		}
	}
}

// abandon ends an observation whose result is not applied.
func (s *Store) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view.end()
}

// heirs returns the subjects that now have the keys that this subject has lost, by key. A lost key is one that the view
// shows for this subject and that objects does not have. heirs marks the heirs dirty. The heir can be this subject
// itself, if the key has come back meanwhile.
func (s *Store) heirs(ctx context.Context, subject string, objects map[string]runtime.Object) (map[string]string, error) {
	if s.Moves == nil {
		return nil, nil
	}
	s.mu.RLock()
	lost := s.view.lost(subject, objects)
	lost = slices.DeleteFunc(lost, func(key string) bool { return !s.Moves(s.view.get(s.Prefix + key).object.object) })
	s.mu.RUnlock()
	if len(lost) == 0 {
		return nil, nil
	}
	heirs := map[string]string{}
	for _, key := range lost {
		heir, err := s.Source.Lookup(ctx, key)
		if err != nil {
			return nil, err
		}
		if heir != "" {
			heirs[key] = heir
			s.tracker.mark(false, heir)
		}
	}
	return heirs, nil
}

// Versioner implements storage.Interface.
func (s *Store) Versioner() storage.Versioner { return s.versioner }

// Stats implements storage.Interface. It does not estimate sizes.
func (s *Store) Stats(context.Context) (storage.Stats, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return storage.Stats{ObjectCount: int64(len(s.view.entries))}, nil
}

// ReadinessCheck implements storage.Interface. It returns the reason why the store is unavailable, nil if it is
// available.
func (s *Store) ReadinessCheck() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.unavailable
}

// RequestWatchProgress implements storage.Interface. It does nothing: watches send bookmarks at intervals only.
func (s *Store) RequestWatchProgress(context.Context) error { return nil }

// GetCurrentResourceVersion implements storage.Interface.
func (s *Store) GetCurrentResourceVersion(ctx context.Context) (uint64, error) {
	if err := s.pass(ctx); err != nil {
		return 0, err
	}
	return s.Versions.Current(), nil
}

// EnableResourceSizeEstimation implements storage.Interface. The store does not estimate sizes.
func (s *Store) EnableResourceSizeEstimation(storage.KeysFunc) error { return nil }

// CompactRevision implements storage.Interface. It returns the oldest version that a client can list or watch from, and
// 0 if the store has not forgotten any change yet.
func (s *Store) CompactRevision() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.view.base == s.view.first {
		return 0
	}
	return int64(s.view.base)
}

// Compact forgets the changes up to and including version.
func (s *Store) Compact(version uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view.compact(version)
}

// answer returns the object of an entry under the name that the key has. If that is another name, the object is a copy.
func (s *Store) answer(e *entry, key string) runtime.Object {
	if e.key == key {
		return e.object.object
	}
	return renamed(e.object.object, key)
}

// handOut writes the object that answer returns into out.
func (s *Store) handOut(e *entry, key string, out runtime.Object) error {
	if out, ok := out.(*Object); ok {
		out.shared, out.keeper = e.object, s.keeper
		if e.key != key {
			out.shared = share(s.answer(e, key))
		}
		return nil
	}
	return assign(s.answer(e, key), out)
}

func renamed(object runtime.Object, key string) runtime.Object {
	object = shallowCopy(object)
	accessor(object).SetName(key[strings.LastIndexByte(key, '/')+1:])
	return object
}
