// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/component-base/metrics/testutil"
)

// differences returns a function that returns how much the metric has grown since.
func differences(t *testing.T) func() float64 {
	read := func() float64 {
		value, err := testutil.GetCounterMetricValue(comparisonDifferences.WithLabelValues("pods"))
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	before := read()
	return func() float64 { return read() - before }
}

func TestResyncCountsWhatNoEventHadReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted := differences(t)
		store, source := newMemoryStore(t)
		source.put(newPod("a", "1"), newPod("b", "1"), newPod("c", "1"))
		synctest.Wait()
		source.set("ns/a", newPod("a", "2"))
		source.set("ns/b", nil)
		source.set("ns/d", newPod("d", "1"))
		if err := store.Resync(t.Context()); err != nil || counted() != 3 {
			t.Errorf("%v differences were counted, %v", counted(), err)
		}
		if list, err := listPods(t.Context(), store, atVersion("0")); err != nil || shown(list) != "a=2 c=1 d=1" {
			t.Errorf("the store holds %q, %v", shown(list), err)
		}
		if err := store.Resync(t.Context()); err != nil || counted() != 3 {
			t.Errorf("%v differences were counted, %v", counted(), err)
		}
	})
}

func TestResyncDoesNotCountWhatWasReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted := differences(t)
		store, source := newMemoryStore(t)
		source.put(newPod("a", "1"))
		synctest.Wait()
		source.set("ns/a", newPod("a", "2"))
		source.list = func(context.Context) ([]string, error) {
			source.put(newPod("a", "3"), newPod("b", "1"))
			return []string{"ns/a", "ns/b"}, nil
		}
		if err := store.Resync(t.Context()); err != nil || counted() != 0 {
			t.Errorf("%v differences were counted, %v", counted(), err)
		}
	})
}

func TestResyncDoesNotCountWhatIsReportedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted := differences(t)
		store, source := newMemoryStore(t)
		source.put(newPod("a", "1"), newPod("b", "1"))
		synctest.Wait()
		source.set("ns/a", newPod("a", "2"))
		source.set("ns/b", nil)
		source.set("ns/c", newPod("c", "1"))
		time.AfterFunc(confirmAfter/2, func() {
			for _, subject := range []string{"ns/a", "ns/b", "ns/c"} {
				store.MarkDirty(subject)
			}
		})
		if err := store.Resync(t.Context()); err != nil || counted() != 0 {
			t.Errorf("%v differences were counted, %v", counted(), err)
		}
		if list, err := listPods(t.Context(), store, atVersion("0")); err != nil || shown(list) != "a=2 c=1" {
			t.Errorf("the store holds %q, %v", shown(list), err)
		}
	})
}

func TestResyncTakesInWhatMovesOnAndDoesNotCountIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted := differences(t)
		store, source := newMemoryStore(t)
		source.put(newPod("a", "1"))
		synctest.Wait()
		source.set("ns/a", newPod("a", "2"))
		time.AfterFunc(confirmAfter/2, func() { source.set("ns/a", newPod("a", "3")) })
		if err := store.Resync(t.Context()); err != nil || counted() != 0 {
			t.Errorf("%v differences were counted, %v", counted(), err)
		}
		if list, err := listPods(t.Context(), store, atVersion("0")); err != nil || shown(list) != "a=3" {
			t.Errorf("the store holds %q, %v", shown(list), err)
		}
	})
}

func TestResyncHasWhatADifferenceLeadsToObservedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted := differences(t)
		store, source := newMemoryStore(t)
		source.put(newPod("child", "1"))
		synctest.Wait()
		source.set("ns/child", nil)
		source.set("ns/parent", newPod("parent", "1"))
		known := true
		source.observe = func(_ context.Context, subject string) (map[string]runtime.Object, []string, error) {
			if subject == "ns/child" && known {
				known = false
				return nil, []string{"ns/parent"}, nil
			}
			return source.observed(subject), nil, nil
		}
		source.list = func(context.Context) ([]string, error) { return []string{"ns/child"}, nil }
		if err := store.Resync(t.Context()); err != nil || counted() != 1 {
			t.Errorf("%v differences were counted, %v", counted(), err)
		}
		if list, err := listPods(t.Context(), store, atVersion("0")); err != nil || shown(list) != "parent=1" {
			t.Errorf("the store holds %q, %v", shown(list), err)
		}
	})
}

func TestResyncOfAnAvailableStoreGoesOneByOneAndPastWhatIsBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		source.put(newPod("a", "1"), newPod("b", "1"), newPod("c", "1"))
		synctest.Wait()
		running, seen := 0, []string{}
		source.observe = func(ctx context.Context, subject string) (map[string]runtime.Object, []string, error) {
			if subject == "ns/b" {
				<-ctx.Done()
				return nil, nil, ctx.Err()
			}
			if running++; running != 1 {
				t.Error("more than one subject is observed at a time")
			}
			<-time.After(slowAfter / 4)
			running--
			seen = append(seen, subject)
			return source.observed(subject), nil, nil
		}
		began := time.Now()
		if err := store.Resync(t.Context()); err != nil || time.Since(began) != slowAfter+2*slowAfter/4 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if slices.Sort(seen); !slices.Equal(seen, []string{"ns/a", "ns/c"}) {
			t.Errorf("%q were observed", seen)
		}
	})
}
