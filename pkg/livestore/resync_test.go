// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
)

func TestResyncOfAnUnavailableStoreObservesAllInParallelAndMakesItAvailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted := differences(t)
		store, source := newMemoryStore(t)
		store.SetUnavailable(newUnavailable(store.Resource, "gone"))
		for i := range 3 * observers {
			name := fmt.Sprintf("p%02d", i)
			source.set("ns/"+name, newPod(name, "1"))
		}
		source.observe = func(_ context.Context, subject string) (map[string]runtime.Object, []string, error) {
			<-time.After(slowAfter / 2)
			if err := store.ReadinessCheck(); !apierrors.IsServiceUnavailable(err) {
				t.Errorf("the store is available before %s was observed", subject)
			}
			return source.observed(subject), nil, nil
		}
		began := time.Now()
		if err := store.Resync(t.Context()); err != nil || time.Since(began) != 3*slowAfter/2 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		source.observe = nil
		if list, err := listPods(t.Context(), store, atVersion("0")); err != nil || len(list.Items) != 3*observers {
			t.Errorf("%d objects, %v", len(list.Items), err)
		}
		if counted() != 0 {
			t.Errorf("%v differences were counted", counted())
		}
	})
}

// observeSlowly makes observations of a subject take longer than reads wait.
func (m *memorySource) observeSlowly(slow string) {
	m.observe = func(_ context.Context, subject string) (map[string]runtime.Object, []string, error) {
		objects := m.observed(subject)
		if subject == slow {
			time.Sleep(3 * slowAfter)
		}
		return objects, nil, nil
	}
}

func TestWhatAResyncIsTooSlowForIsTakenInLater(t *testing.T) {
	for what, prepare := range map[string]func(*Store){
		"first reading": func(store *Store) { store.SetUnavailable(newUnavailable(store.Resource, "gone")) },
		"comparison":    func(*Store) {},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, source := newMemoryStore(t)
				prepare(store)
				source.set("ns/a", newPod("a", "1"))
				source.observeSlowly("ns/a")
				if err := store.Resync(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(3 * slowAfter)
				if list, err := listPods(t.Context(), store, atVersion("0")); err != nil || shown(list) != "a=1" {
					t.Errorf("%s, %v", shown(list), err)
				}
			})
		})
	}
}

func TestResyncThatCannotListLeavesTheStoreUnavailable(t *testing.T) {
	store, source := newMemoryStore(t)
	gone := newUnavailable(store.Resource, "gone")
	store.SetUnavailable(gone)
	refused := errors.New("no listing")
	source.list = func(context.Context) ([]string, error) { return nil, refused }
	if err := store.Resync(t.Context()); !errors.Is(err, refused) {
		t.Error(err)
	}
	if err := store.ReadinessCheck(); !errors.Is(err, gone) {
		t.Error(err)
	}
}

func TestResyncWhoseObservationsFindNoSourceLeavesTheStoreUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		store.SetUnavailable(newUnavailable(store.Resource, "gone"))
		source.set("ns/a", newPod("a", "1"))
		gone := newUnavailable(store.Resource, "gone again")
		source.observe = func(context.Context, string) (map[string]runtime.Object, []string, error) { return nil, nil, gone }
		if err := store.Resync(t.Context()); !errors.Is(err, gone) {
			t.Errorf("Resync returned %v", err)
		}
		if _, err := listPods(t.Context(), store, atVersion("0")); !apierrors.IsServiceUnavailable(err) {
			t.Errorf("a list returned %v", err)
		}
	})
}

func TestResyncWhoseObservationsAreRefusedFails(t *testing.T) {
	for _, available := range []bool{true, false} {
		t.Run(fmt.Sprint("available: ", available), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, source := newMemoryStore(t)
				if !available {
					store.SetUnavailable(newUnavailable(store.Resource, "gone"))
				}
				source.set("ns/a", newPod("a", "1"))
				refused := apierrors.NewForbidden(store.Resource, "a", errors.New("no"))
				source.observe = func(context.Context, string) (map[string]runtime.Object, []string, error) { return nil, nil, refused }
				if err := store.Resync(t.Context()); !errors.Is(err, refused) {
					t.Errorf("Resync returned %v", err)
				}
				if err := store.ReadinessCheck(); (err == nil) != available {
					t.Errorf("ReadinessCheck returned %v", err)
				}
			})
		})
	}
}

func TestResyncThatIsCutOffLeavesTheStoreAsItWas(t *testing.T) {
	for _, available := range []bool{true, false} {
		t.Run(fmt.Sprint("available: ", available), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, source := newMemoryStore(t)
				source.set("ns/a", newPod("a", "1"))
				if !available {
					store.SetUnavailable(newUnavailable(store.Resource, "gone"))
				}
				ctx, cancel := context.WithCancel(t.Context())
				source.observe = func(ctx context.Context, _ string) (map[string]runtime.Object, []string, error) {
					cancel()
					return nil, nil, apierrors.NewServiceUnavailable("the connection is lost")
				}
				if err := store.Resync(ctx); !errors.Is(err, context.Canceled) && !apierrors.IsServiceUnavailable(err) { // depends on which of the two is noticed first
					t.Error(err)
				}
				if err := store.ReadinessCheck(); (err == nil) != available {
					t.Error(err)
				}
			})
		})
	}
}

func TestAWatchThatIsOpenedOrOpenWhileTheSourceIsGoneGetsTheDifferences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		source.put(newPod("a", "1"), newPod("b", "1"), newPod("c", "1"))
		synctest.Wait()
		version := current(store)
		open := collect(watchPods(t, store, version))
		store.SetUnavailable(newUnavailable(store.Resource, "gone"))
		opened := collect(watchPods(t, store, version))
		source.set("ns/a", newPod("a", "2"))
		source.set("ns/b", nil)
		synctest.Wait()
		if got := append(open.seen(), opened.seen()...); len(got) != 0 {
			t.Errorf("the watches saw %q while the source was gone", got)
		}
		if err := store.Resync(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for _, c := range []*collector{open, opened} {
			got := withoutVersions(c.seen())
			if slices.Sort(got); !slices.Equal(got, []string{"DELETED b=1", "MODIFIED a=2"}) {
				t.Errorf("the watch saw %q", got)
			}
		}
	})
}

func TestAListingFindsWhatCameAndWent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		source.put(newPod("a", "1"), newPod("b", "1"))
		synctest.Wait()
		source.set("ns/a", newPod("a", "2"))
		source.set("ns/b", nil)
		source.set("ns/c", newPod("c", "1"))
		store.MarkAllDirty()
		if list, err := listPods(t.Context(), store); err != nil || shown(list) != "a=1 c=1" {
			t.Errorf("%q, %v", shown(list), err)
		}
		source.set("ns/a", nil)
		source.set("ns/c", nil)
		left := 2
		source.list = func(context.Context) ([]string, error) {
			if left--; left >= 0 {
				return nil, errors.New("no listing")
			}
			return nil, nil
		}
		store.MarkAllDirty()
		<-time.After(time.Second)
		if list, err := listPods(t.Context(), store); err != nil || shown(list) != "" {
			t.Errorf("after the listing had failed once: %q, %v", shown(list), err)
		}
	})
}

func TestAStoppedStoreAnswersNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails if a goroutine is still running
		store, source := newMemoryStore(t)
		source.put(newPod("a", "1"))
		mustGet(t, store, "a")
		source.observe = func(ctx context.Context, _ string) (map[string]runtime.Object, []string, error) {
			<-ctx.Done()
			return nil, nil, ctx.Err()
		}
		errs := make(chan error, 2)
		go func() { _, err := getPod(context.Background(), store, "a", ""); errs <- err }()
		synctest.Wait()
		store.MarkDirty("ns/b")
		go func() { _, err := listPods(context.Background(), store); errs <- err }()
		synctest.Wait()
		store.Stop()
		for range 2 {
			if err := <-errs; !apierrors.IsServiceUnavailable(err) {
				t.Errorf("a reader got %v", err)
			}
		}
	})
}

func TestResyncIsNotEndedByWhatFailedBeforeItBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		gone := newUnavailable(store.Resource, "gone")
		store.SetUnavailable(gone)
		source.set("ns/a", newPod("a", "1"))
		source.set("ns/b", newPod("b", "1"))
		ending := make(chan struct{})
		source.observe = func(_ context.Context, subject string) (map[string]runtime.Object, []string, error) {
			if subject == "ns/b" {
				<-ending
			}
			return nil, nil, gone
		}
		store.MarkDirty("ns/a")
		store.MarkDirty("ns/b")
		synctest.Wait() // the observation of a has failed, that of b is about to fail

		source.observe = nil
		resynced := make(chan error, 1)
		go func() { resynced <- store.Resync(t.Context()) }()
		synctest.Wait()
		close(ending)
		if err := <-resynced; err != nil {
			t.Errorf("Resync returned %v", err)
		}
		if list, err := listPods(t.Context(), store, atVersion("0")); err != nil || shown(list) != "a=1 b=1" {
			t.Errorf("%s, %v", shown(list), err)
		}
	})
}

func TestAListingHasWhatIsBeingObservedLookedAtAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		seen := make(chan struct{})
		source.observe = func(_ context.Context, subject string) (map[string]runtime.Object, []string, error) {
			objects := source.observed(subject)
			<-seen
			return objects, nil, nil
		}
		source.put(newPod("a", "1"))
		synctest.Wait()
		source.set("ns/a", nil)
		store.MarkAllDirty()
		synctest.Wait()
		close(seen)
		synctest.Wait()
		if list, err := listPods(t.Context(), store, atVersion("0")); err != nil || shown(list) != "" {
			t.Errorf("an object that was removed during its observation is shown: %s, %v", shown(list), err)
		}
	})
}
