// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package livestore serves the objects of a live source, such as a container engine, through the storage interface of
// Kubernetes API servers. Nothing is stored: the store keeps a view of the source in memory, gives each change in it a
// resourceVersion, and passes a fence before it answers a read, so that the answer shows all that the source had
// answered for when the read came in.
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
	// DefaultHistorySize is how many changes a store keeps for watches and exact lists if its Config does not say.
	DefaultHistorySize = 4096
	// DefaultBookmarkInterval is how often a watch that asked for bookmarks gets one.
	DefaultBookmarkInterval = time.Minute

	// allSubjects stands for the listing of the subjects among what is dirty.
	allSubjects = "\x00"
)

// Config is what a Store is made from.
type Config struct {
	// Versions is shared by the stores of a server.
	Versions *Versions
	// Resource is named in errors.
	Resource schema.GroupResource
	// Prefix begins and ends with a slash. Keys are Prefix and namespace/name.
	Prefix  string
	NewFunc func() runtime.Object
	Source  Source
	// Aliases returns the other names that an object answers to in its namespace. It may be nil. The answer carries
	// the name it was asked by. A real name wins over an alias, and an alias that two objects share resolves to none.
	Aliases func(runtime.Object) []string
	// IndexedFields are the fields by which selectors find objects without looking at all of them, and how each is read.
	// It may be nil.
	IndexedFields map[string]func(runtime.Object) string
	// Moves reports whether the key of an object can go from one subject to another in one step, as a tag goes from image to
	// image. One that does is not missing in between, whichever of the two is observed first. It may be nil: none can.
	Moves func(runtime.Object) bool
	// SetGeneration writes the generation into an object: the version at which its spec last changed. Others may share what
	// the object's fields point to, so that it must not write there. It may be nil: objects keep the source's generation.
	SetGeneration func(object runtime.Object, generation int64)
	// SpecChanged reports whether an object has a new generation. It may be nil: a generation is as old as the object.
	SpecChanged func(old, updated runtime.Object) bool
	// DeleteLooks says that the source's Delete looks at what is there right before it deletes it, and refuses with NotFound or
	// Conflict what has another uid than it was given. A delete request need not read it before that.
	DeleteLooks bool
	// Clock drives bookmarks and retries; nil is the real one.
	Clock clock.WithDelayedExecution
	// HistorySize is how many changes are kept for watches and exact lists; 0 is DefaultHistorySize.
	HistorySize int
	// BookmarkInterval is the time between two bookmarks of one watch; 0 is DefaultBookmarkInterval.
	BookmarkInterval time.Duration
}

// Store is the storage.Interface of one resource over a live source. It is unavailable until Resync has succeeded.
//
// The locks of the store, of its tracker and of its notifier are never held together, and none is held across a call of
// the source or a channel send that can block.
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
	unavailable error              // why reads fail; nil if they do not
	suspects    map[string]suspect // nil while no comparison goes on
	listed      *listed            // nil while there is nothing to take from it
}

var (
	_ storage.Interface = &Store{}
	_ Sink              = &Store{}
)

// New returns a store. Stop ends what it starts.
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

// withDefaults returns the config with all that it does not say.
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

// Stop ends all watches and observations and waits for the observations.
func (s *Store) Stop() {
	s.stop()
	s.keeper.stop()
	s.tracker.close()
}

// MarkDirty implements Sink.
func (s *Store) MarkDirty(subject string) { s.tracker.mark(false, subject) }

// MarkAllDirty implements Sink.
func (s *Store) MarkAllDirty() { s.tracker.mark(false, allSubjects) }

// Changed returns a channel that is closed when what the store holds has changed.
func (s *Store) Changed() <-chan struct{} { return s.changes.next() }

// Each calls visit with all objects that the store holds, available or not. It must neither change nor wait.
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

// observe reads one subject, or what subjects there are, and takes in the result.
func (s *Store) observe(ctx context.Context, subject string, comparison bool) ([]string, error) {
	if subject == allSubjects {
		listed, err := s.Source.Subjects(ctx)
		if err != nil {
			return nil, err
		}
		// What is being observed may have been seen before it went, and not be in the view yet.
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
		if comparison && s.unavailable == nil && s.suspects != nil { // one that turned out slow may outlast its comparison
			var isNew bool
			if isNew, confirmed = s.suspectLocked(subject, objects); isNew {
				s.view.end()
				s.mu.Unlock()
				// The source may not name them again, to the observation that a report asks for.
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

// abandon ends an observation that is not taken in.
func (s *Store) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view.end()
}

// heirs returns which subjects have by now what the view shows as this one's and is not among its objects, by key. It has
// them observed. It can be the subject itself, of what has come back meanwhile.
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

// Stats implements storage.Interface. Sizes are not estimated.
func (s *Store) Stats(context.Context) (storage.Stats, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return storage.Stats{ObjectCount: int64(len(s.view.entries))}, nil
}

// ReadinessCheck implements storage.Interface. It says why the store is unavailable.
func (s *Store) ReadinessCheck() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.unavailable
}

// RequestWatchProgress implements storage.Interface. Bookmarks come by time alone.
func (s *Store) RequestWatchProgress(context.Context) error { return nil }

// GetCurrentResourceVersion implements storage.Interface.
func (s *Store) GetCurrentResourceVersion(ctx context.Context) (uint64, error) {
	if err := s.pass(ctx); err != nil {
		return 0, err
	}
	return s.Versions.Current(), nil
}

// EnableResourceSizeEstimation implements storage.Interface. Sizes are not estimated.
func (s *Store) EnableResourceSizeEstimation(storage.KeysFunc) error { return nil }

// CompactRevision implements storage.Interface: the oldest version that can be listed or watched from, 0 if nothing was
// forgotten yet.
func (s *Store) CompactRevision() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.view.base == s.view.first {
		return 0
	}
	return int64(s.view.base)
}

// Compact forgets the changes up to version.
func (s *Store) Compact(version uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view.compact(version)
}

// answer hands out an entry under key, with the name that the key says if that is not its own.
func (s *Store) answer(e *entry, key string) runtime.Object {
	if e.key == key {
		return e.object.object
	}
	return renamed(e.object.object, key)
}

// handOut writes what answer returns into out.
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
