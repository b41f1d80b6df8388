// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
)

// listingSource is a Lister. Its list has the objects of all pods that have a message. It records which subjects are
// observed on their own.
type listingSource struct {
	*memorySource
	// afterwards is called after List has read the pods and before it returns.
	afterwards func()

	mu    sync.Mutex
	alone []string
}

func (l *listingSource) List(ctx context.Context) (map[string]map[string]runtime.Object, error) {
	subjects, err := l.Subjects(ctx)
	listed := map[string]map[string]runtime.Object{}
	for _, subject := range subjects {
		objects := l.observed(subject)
		if objects[subject].(*example.Pod).Status.Message == "" {
			objects = nil
		}
		listed[subject] = objects
	}
	if l.afterwards != nil {
		l.afterwards()
	}
	return listed, err
}

func (l *listingSource) Observe(ctx context.Context, subject string) (map[string]runtime.Object, []string, error) {
	l.mu.Lock()
	l.alone = append(l.alone, subject)
	l.mu.Unlock()
	return l.memorySource.Observe(ctx, subject)
}

// observedAlone returns which subjects were observed on their own since its last call.
func (l *listingSource) observedAlone() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	alone := l.alone
	l.alone = nil
	slices.Sort(alone)
	return alone
}

// newListingStore returns a store that has held these pods and is unavailable now.
func newListingStore(t *testing.T, pods ...*example.Pod) (*Store, *listingSource) {
	t.Helper()
	source := &listingSource{}
	store, memory := newMemoryStore(t, func(config *Config) {
		source.memorySource = config.Source.(*memorySource)
		config.Source = source
	})
	memory.put(pods...)
	synctest.Wait()
	source.observedAlone()
	store.SetUnavailable(newUnavailable(store.Resource, "gone"))
	return store, source
}

func mustResync(t *testing.T, store *Store, want string) {
	t.Helper()
	if err := store.Resync(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustShow(t, store, want, atVersion("0"))
}

func mustShow(t *testing.T, store *Store, want string, adjust ...func(*storage.ListOptions)) {
	t.Helper()
	if list, err := listPods(t.Context(), store, adjust...); err != nil || shown(list) != want {
		t.Errorf("%q is shown, %v", shown(list), err)
	}
}

func TestWhatAListTellsIsNotObservedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newListingStore(t, newPod("gone", "1"), newPod("old", "1"))
		source.set("ns/gone", nil)
		source.set("ns/old", newPod("old", "2"))
		source.set("ns/new", newPod("new", "1"))
		source.set("ns/untold", newPod("untold", ""))
		mustResync(t, store, "new=1 old=2 untold=")
		if alone := source.observedAlone(); !slices.Equal(alone, []string{"ns/gone", "ns/untold"}) {
			t.Errorf("%q were observed on their own", alone)
		}
		source.put(newPod("new", "2"))
		mustShow(t, store, "new=2 old=2 untold=")
	})
}

func TestWhatChangesWhileAllIsListedIsObservedByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newListingStore(t)
		source.set("ns/changed", newPod("changed", "1"))
		source.set("ns/removed", newPod("removed", "1"))
		source.set("ns/same", newPod("same", "1"))
		source.afterwards = func() {
			source.put(newPod("changed", "2"), newPod("made", "1"))
			source.drop("removed")
			synctest.Wait() // all changes have been observed before List returns
		}
		mustResync(t, store, "changed=2 made=1 same=1")
		if alone := source.observedAlone(); !slices.Equal(alone, []string{"ns/changed", "ns/made", "ns/removed"}) {
			t.Errorf("%q were observed on their own", alone)
		}
	})
}

func TestWhatGoesWithoutANameWhileAllIsListedIsNotShown(t *testing.T) {
	for name, settle := range map[string]func(){"and is noticed": synctest.Wait, "and is noticed later": func() {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, source := newListingStore(t)
				source.set("ns/pruned", newPod("pruned", "1"))
				source.set("ns/same", newPod("same", "1"))
				source.afterwards = func() {
					source.set("ns/pruned", nil)
					store.MarkAllDirty()
					settle()
				}
				mustResync(t, store, "same=1")
			})
		})
	}
}

func TestWhatChangesAfterAllWasListedIsObservedByItself(t *testing.T) {
	for name, change := range map[string]func(*Store, *listingSource){
		"by name": func(_ *Store, source *listingSource) { source.drop("removed") },
		"without a name": func(store *Store, source *listingSource) {
			source.set("ns/removed", nil)
			store.MarkAllDirty()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, source := newListingStore(t)
				source.set("ns/removed", newPod("removed", "1"))
				source.set("ns/same", newPod("same", "1"))
				// All observers are busy until the change has been made.
				source.observe = func(_ context.Context, subject string) (map[string]runtime.Object, []string, error) {
					time.Sleep(slowAfter / 2)
					return source.observed(subject), nil, nil
				}
				for i := range observers {
					store.MarkDirty(string(rune('a' + i)))
				}
				synctest.Wait()
				time.AfterFunc(slowAfter/4, func() { change(store, source) })
				if err := store.Resync(t.Context()); err != nil {
					t.Fatal(err)
				}
				mustShow(t, store, "same=1")
			})
		})
	}
}

func TestWhatWasMarkedWhileAllWasListedIsNotObservedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		store.SetUnavailable(newUnavailable(store.Resource, "gone"))
		observed := 0
		source.observe = func(_ context.Context, subject string) (map[string]runtime.Object, []string, error) {
			observed++
			return source.observed(subject), nil, nil
		}
		source.list = func(context.Context) ([]string, error) {
			source.put(newPod("a", "1"))
			synctest.Wait()
			return []string{"ns/a"}, nil
		}
		mustResync(t, store, "a=1")
		if observed != 1 {
			t.Errorf("the subject was observed %d times", observed)
		}
	})
}
