// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/apis/example"
)

// tagged is a source of two subjects, old and new. One of them has the key ns/a.
type tagged struct {
	*memorySource
	mu    sync.Mutex
	owner string
	// heldUp makes observations of a subject wait until its channel is closed.
	heldUp map[string]chan struct{}
}

func newTaggedStore(t *testing.T) (*Store, *tagged) {
	store, memory := newMemoryStore(t, func(config *Config) { config.Moves = func(runtime.Object) bool { return true } })
	source := &tagged{memorySource: memory, owner: "old", heldUp: map[string]chan struct{}{}}
	memory.observe = func(_ context.Context, subject string) (map[string]runtime.Object, []string, error) {
		if held := source.heldUp[subject]; held != nil {
			<-held
		}
		if source.has(subject) {
			return byKey(newPod("a", subject, withUID(subject))), nil, nil
		}
		return nil, nil, nil
	}
	memory.lookup = func(context.Context, string) (string, error) {
		source.mu.Lock()
		defer source.mu.Unlock()
		return source.owner, nil
	}
	store.MarkDirty("old")
	synctest.Wait()
	return store, source
}

func (s *tagged) has(subject string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owner == subject
}

func (s *tagged) move(owner string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owner = owner
}

// lose moves the key to new and has old observed first.
func (s *tagged) lose(store *Store) {
	s.move("new")
	store.MarkDirty("old")
	synctest.Wait()
}

func TestAKeyThatMovesIsAlwaysListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newTaggedStore(t)
		source.heldUp["new"] = make(chan struct{})
		source.lose(store)
		if list, err := listPods(t.Context(), store, atVersion("0")); err != nil || shown(list) != "a=old" {
			t.Errorf("before the heir was observed: %q, %v", shown(list), err)
		}
		close(source.heldUp["new"])
		synctest.Wait()
		if list, err := listPods(t.Context(), store, atVersion("0")); err != nil || shown(list) != "a=new" {
			t.Errorf("after the heir was observed: %q, %v", shown(list), err)
		}
	})
}

func TestAGetOfAKeyThatHasMovedWaitsForItsHeir(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newTaggedStore(t)
		source.heldUp["new"] = make(chan struct{})
		source.move("new")
		var got *example.Pod
		var err error
		done := make(chan struct{})
		go func() {
			defer close(done)
			got, err = getPod(t.Context(), store, "a", "")
		}()
		synctest.Wait()
		close(source.heldUp["new"])
		<-done
		if err != nil || got.Status.Message != "new" {
			t.Errorf("%v, %v", got, err)
		}
	})
}

func TestAKeyWhoseHeirCannotBeFoundOutIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newTaggedStore(t)
		lookup, failed := source.lookup, false
		source.lookup = func(ctx context.Context, key string) (string, error) {
			if !failed {
				failed = true
				return "", apierrors.NewInternalError(context.DeadlineExceeded)
			}
			return lookup(ctx, key)
		}
		watch := collect(watchPods(t, store, current(store)))
		source.lose(store)
		if seen := watch.seen(); len(seen) > 0 {
			t.Errorf("the watch saw %q before the store knew the heir", seen)
		}
		<-store.Clock.After(2 * retryAfter)
		synctest.Wait()
		if seen := withoutVersions(watch.seen()); !slices.Equal(seen, []string{"DELETED a=old", "ADDED a=new"}) {
			t.Errorf("the watch saw %q", seen)
		}
	})
}

func TestAKeyThatComesBackWhileItIsMissedStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newTaggedStore(t)
		lookup := source.lookup
		source.lookup = func(ctx context.Context, key string) (string, error) {
			source.move("old")
			return lookup(ctx, key)
		}
		watch := collect(watchPods(t, store, current(store)))
		source.lose(store)
		if seen := watch.seen(); len(seen) > 0 {
			t.Errorf("the watch saw %q", seen)
		}
	})
}

func TestAKeyThatCannotMoveGoesThoughItsSubjectAnswersToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t, func(config *Config) {
			config.Moves = func(object runtime.Object) bool { return accessor(object).GetName() != "id" }
		})
		hidden := false
		source.observe = func(context.Context, string) (map[string]runtime.Object, []string, error) {
			if hidden {
				return nil, nil, nil
			}
			return byKey(newPod("id", "1")), nil, nil
		}
		source.lookup = func(context.Context, string) (string, error) { return "x", nil }
		store.MarkDirty("x")
		synctest.Wait()
		hidden = true
		store.MarkDirty("x")
		synctest.Wait()
		if list, err := listPods(t.Context(), store, atVersion("0")); err != nil || shown(list) != "" {
			t.Errorf("%q, %v", shown(list), err)
		}
	})
}
