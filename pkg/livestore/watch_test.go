// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
)

// historyAfter returns the events that a watch of all objects from version on has to see.
func (s *Store) historyAfter(version uint64) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	events := []string{}
	for _, c := range s.view.history[s.view.indexAfter(version):] {
		kind, object := watch.Modified, c.object
		switch {
		case c.previous == nil:
			kind = watch.Added
		case c.object == nil:
			kind, object = watch.Deleted, c.previous
		}
		pod := object.object.(*example.Pod)
		events = append(events, fmt.Sprintf("%s %s=%s@%d", kind, pod.Name, pod.Status.Message, c.version))
	}
	return events
}

// churn makes n random changes of the pods whose names begin with prefix.
func churn(source *memorySource, prefix string, seed uint64, n int, after ...func(name string)) {
	random := rand.New(rand.NewPCG(seed, 1))
	for i := range n {
		name := fmt.Sprint(prefix, random.IntN(8))
		switch random.IntN(4) {
		case 0:
			source.drop(name)
		case 1:
			source.put(newPod(name, fmt.Sprint(i), withUID(fmt.Sprint(i))))
		default:
			source.put(newPod(name, fmt.Sprint(i)))
		}
		for _, f := range after {
			f(name)
		}
	}
}

func TestFiftyWatchersSeeEachChangeOfFourWritersOnceAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		began := store.Versions.Current()
		var watchers []*collector
		for range 50 {
			watchers = append(watchers, collect(watchPods(t, store, formatVersion(began))))
		}
		var writers sync.WaitGroup
		for i := range 4 {
			writers.Go(func() {
				churn(source, fmt.Sprint("w", i, "-"), uint64(i), 250, func(name string) {
					if _, err := getPod(t.Context(), store, name, ""); err != nil && !storage.IsNotFound(err) {
						t.Error(err)
					}
				})
			})
		}
		writers.Wait()
		synctest.Wait()
		want := store.historyAfter(began)
		if len(want) < 500 {
			t.Fatalf("only %d changes were made", len(want))
		}
		for i, w := range watchers {
			if got := w.seen(); !slices.Equal(got, want) {
				t.Errorf("watcher %d saw %d events, not the %d of the history", i, len(got), len(want))
			}
		}
	})
}

func TestAWatchFromAnyVersionSeesExactlyTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		for i := range 60 {
			churn(source, "p", uint64(i), 4)
			synctest.Wait()
			store.Versions.Next() // a change of another store
		}
		store.Compact(store.Versions.Current() / 3)
		store.mu.RLock()
		base := store.view.base
		store.mu.RUnlock()
		for version := base; version <= store.Versions.Current(); version++ {
			w := collect(watchPods(t, store, formatVersion(version)))
			synctest.Wait()
			if got, want := w.seen(), store.historyAfter(version); !slices.Equal(got, want) {
				t.Errorf("from %d the watch saw %q, not %q", version, got, want)
			}
			w.Stop()
		}
		expired := collect(watchPods(t, store, formatVersion(base-1)))
		synctest.Wait()
		if got := expired.seen(); !slices.Equal(got, []string{"ERROR"}) || !expired.ended {
			t.Errorf("a watch from a version before the history saw %q", got)
		}
	})
}

func TestAWatcherThatFallsBehindTheHistoryEndsWith410AndSlowsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t, func(c *Config) { c.HistorySize = 8 })
		began := time.Now()
		version := current(store)
		slow := watchPods(t, store, version)
		fast := collect(watchPods(t, store, version))
		const changes = 3 * watchBuffer
		var want []string
		for i := range changes {
			source.put(newPod("a", fmt.Sprint(i)))
			synctest.Wait()
			want = append(want, store.historyAfter(store.Versions.Current()-1)...)
		}
		if got := fast.seen(); len(want) != changes || !slices.Equal(got, want) || time.Since(began) != 0 {
			t.Errorf("after %v the fast watcher has seen %d of %d events", time.Since(began), len(got), len(want))
		}
		behind := collect(slow)
		synctest.Wait()
		got := behind.seen()
		if !behind.ended || got[len(got)-1] != "ERROR" || len(got) < watchBuffer || !slices.Equal(got[:len(got)-1], want[:len(got)-1]) {
			t.Errorf("ended: %v, seen: %q", behind.ended, got)
		}
	})
}

func TestAWatcherThatFallsBehindIsToldToListAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		source.put(newPod("a", "1"))
		synctest.Wait()
		store.Compact(store.Versions.Current())
		event := <-watchPods(t, store, "1").ResultChan()
		if err := apierrors.FromObject(event.Object); event.Type != watch.Error || !apierrors.IsResourceExpired(err) {
			t.Errorf("%v: %v", event.Type, err)
		}
	})
}

func TestStopContextAndStoreEachFreeAWatcherThatNobodyReads(t *testing.T) {
	for name, end := range map[string]func(w watch.Interface, cancel func(), store *Store){
		"Stop":    func(w watch.Interface, _ func(), _ *Store) { w.Stop(); w.Stop() },
		"context": func(_ watch.Interface, cancel func(), _ *Store) { cancel() },
		"store":   func(_ watch.Interface, _ func(), store *Store) { store.Stop() },
	} {
		for _, changes := range []int{0, 3 * watchBuffer} {
			t.Run(fmt.Sprint(name, " after ", changes), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { // fails if a goroutine is still running
					store, source := newMemoryStore(t)
					ctx, cancel := context.WithCancel(context.Background())
					defer cancel()
					opts := storage.ListOptions{Predicate: storage.Everything, Recursive: true, ResourceVersion: current(store)}
					w, err := store.Watch(ctx, "/pods/", opts)
					if err != nil {
						t.Fatal(err)
					}
					for i := range changes {
						source.put(newPod("a", fmt.Sprint(i)))
						synctest.Wait()
					}
					end(w, cancel, store)
					synctest.Wait()
					left := 0
					for range w.ResultChan() {
						left++
					}
					if left != min(changes, watchBuffer) {
						t.Errorf("%d events were left to read", left)
					}
				})
			})
		}
	}
}

func TestABookmarkCarriesAVersionThatIsSafeToResumeFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		with := collect(watchPods(t, store, current(store), withBookmarks))
		without := collect(watchPods(t, store, current(store)))
		source.put(newPod("a", "1"))
		synctest.Wait()
		for range 1000 {
			store.Versions.Next() // a change of another store
		}
		<-time.After(DefaultBookmarkInterval)
		synctest.Wait()
		seen := with.seen()
		if len(seen) != 2 || seen[1] != "BOOKMARK =@"+current(store) {
			t.Fatalf("at version %s the watch saw %q", current(store), seen)
		}
		source.put(newPod("a", "2"))
		source.put(newPod("b", "1"))
		synctest.Wait()
		resumed := collect(watchPods(t, store, strings.TrimPrefix(seen[1], "BOOKMARK =@")))
		<-time.After(DefaultBookmarkInterval)
		synctest.Wait()
		if got, want := resumed.seen(), with.seen()[2:4]; !slices.Equal(got, want) {
			t.Errorf("the resumed watch saw %q, want %q", got, want)
		}
		if n := len(with.seen()); n != 5 {
			t.Errorf("%d events, want 3 and 2 bookmarks: %q", n, with.seen())
		}
		if got := without.seen(); len(got) != 3 {
			t.Errorf("a watch that did not ask for bookmarks saw %q", got)
		}
	})
}

func TestAWatchGetsALastBookmarkBeforeItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, _ := newMemoryStore(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		opts := storage.ListOptions{Predicate: storage.Everything, Recursive: true, ResourceVersion: current(store)}
		withBookmarks(&opts)
		w, err := store.Watch(ctx, "/pods/", opts)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if event := <-w.ResultChan(); event.Type != watch.Bookmark || time.Since(began) != 10*time.Second-bookmarkBeforeDeadline {
			t.Errorf("%s after %v", event.Type, time.Since(began))
		}
		if event, ok := <-w.ResultChan(); ok || time.Since(began) != 10*time.Second {
			t.Errorf("%s after %v", event.Type, time.Since(began))
		}
	})
}

func TestOnlyAWatchThatAskedForInitialEventsIsToldOfTheirEnd(t *testing.T) {
	yes, no := true, false
	for name, row := range map[string]struct {
		initial *bool
		want    []string
	}{
		"asked for":          {&yes, []string{"ADDED a=1@2", "BOOKMARK =@2 end"}},
		"declined":           {&no, nil},
		"by version 0 alone": {nil, []string{"ADDED a=1@2"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, source := newMemoryStore(t)
				source.put(newPod("a", "1"))
				synctest.Wait()
				w := watchPods(t, store, "0", withBookmarks, func(opts *storage.ListOptions) { opts.SendInitialEvents = row.initial })
				synctest.Wait()
				w.Stop()
				var got []string
				for event := range w.ResultChan() {
					text := describe(event)
					if ended, _ := storage.HasInitialEventsEndBookmarkAnnotation(event.Object); ended {
						text += " end"
					}
					got = append(got, text)
				}
				if !slices.Equal(got, row.want) {
					t.Errorf("the watch begins with %q, want %q", got, row.want)
				}
			})
		})
	}
}

func TestAnObjectThatLeavesTheSelectorIsDeletedAtTheVersionOfTheChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		c := collect(watchPods(t, store, current(store), labelled("show", "yes")))
		for _, pod := range []*example.Pod{
			newPod("a", "1", withLabel("show", "no")),
			newPod("a", "2", withLabel("show", "yes")),
			newPod("a", "3", withLabel("show", "yes")),
			newPod("a", "4", withLabel("show", "no")),
			newPod("a", "5", withLabel("show", "no")),
		} {
			source.put(pod)
			synctest.Wait()
		}
		source.drop("a")
		synctest.Wait()
		if got, want := c.seen(), []string{"ADDED a=2@3", "MODIFIED a=3@4", "DELETED a=3@5"}; !slices.Equal(got, want) {
			t.Errorf("the watch saw %q, want %q", got, want)
		}
	})
}

func TestAWatchSeesWhatIsBelowItsKeyAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		opts := storage.ListOptions{Predicate: storage.Everything, Recursive: true, ResourceVersion: current(store)}
		w, err := store.Watch(t.Context(), "/pods/n", opts)
		if err != nil {
			t.Fatal(err)
		}
		c := collect(w)
		source.put(newPod("a", "1"))
		synctest.Wait()
		if got := c.seen(); len(got) != 0 {
			t.Errorf("a watch of the namespace n saw %q of ns", got)
		}
	})
}

func TestObjectsHandedOutAreNotSharedWithTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		source.put(newPod("a", "1"))
		mustGet(t, store, "a")
		spoil := func(pod *example.Pod) {
			pod.SetGroupVersionKind(schema.GroupVersionKind{Version: "v9", Kind: "Spoilt"})
			pod.Name, pod.ResourceVersion, pod.Labels = "spoilt", "9", map[string]string{"spoilt": "yes"}
		}
		var watchers sync.WaitGroup
		for range 2 {
			w := watchPods(t, store, "0")
			watchers.Go(func() {
				for event := range w.ResultChan() {
					spoil(unshared(event.Object).(*example.Pod))
				}
			})
			t.Cleanup(watchers.Wait)
			t.Cleanup(w.Stop)
		}
		for i := range 20 {
			spoil(mustGet(t, store, "a"))
			list, err := listPods(t.Context(), store)
			if err != nil {
				t.Fatal(err)
			}
			spoil(&list.Items[0])
			source.put(newPod("a", fmt.Sprint(i)))
			updated := &example.Pod{}
			if err := store.GuaranteedUpdate(t.Context(), "/pods/ns/a", updated, false, nil, setMessage(fmt.Sprint("updated ", i)), nil); err != nil {
				t.Fatal(err)
			}
			spoil(updated)
			synctest.Wait()
			got, err := getPod(t.Context(), store, "a", "0") // from memory, because a live read would repair the store
			if err != nil || got.Name != "a" || got.Kind != "" || got.Labels != nil || got.ResourceVersion == "9" {
				t.Fatalf("the store holds %v, %v", got, err)
			}
			spoil(got)
		}
	})
}
