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
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
)

func TestAGetShowsAChangeThatTheSourceDidNotReport(t *testing.T) {
	store, source := newMemoryStore(t)
	source.set("ns/a", newPod("a", "1"))
	source.lookup = func(_ context.Context, key string) (string, error) { return key, nil }
	if got := mustGet(t, store, "a").Status.Message; got != "1" {
		t.Errorf("an object whose creation was not reported is %q", got)
	}
	source.set("ns/a", newPod("a", "2"))
	if got := mustGet(t, store, "a").Status.Message; got != "2" {
		t.Errorf("an object whose change was not reported is %q", got)
	}
	source.set("ns/a", nil)
	if _, err := getPod(t.Context(), store, "a", ""); !storage.IsNotFound(err) {
		t.Errorf("an object whose removal was not reported: %v", err)
	}
}

func TestAGetShowsWhatTheFenceForGetsReportsOfOthers(t *testing.T) {
	report, refuse := func() {}, error(nil)
	store, source := newMemoryStore(t, func(config *Config) {
		config.GetFence = func(context.Context) error {
			report()
			return refuse
		}
	})
	used := "1"
	source.observe = func(_ context.Context, subject string) (map[string]runtime.Object, []string, error) {
		if subject == "user" {
			used = "2" // the observation of another subject changes what the object shows
			return nil, []string{"ns/a"}, nil
		}
		return map[string]runtime.Object{"ns/a": newPod("a", used)}, nil, nil
	}
	source.put(newPod("a", ""))
	if got := mustGet(t, store, "a").Status.Message; got != "1" {
		t.Errorf("before the report it is %q", got)
	}
	report = func() { store.MarkDirty("user") }
	if got := mustGet(t, store, "a").Status.Message; got != "2" {
		t.Errorf("after the report it is %q", got)
	}
	refuse = apierrors.NewServiceUnavailable("fence")
	if _, err := getPod(t.Context(), store, "a", ""); !apierrors.IsServiceUnavailable(err) {
		t.Error(err)
	}
}

func TestAnErrorOfTheLookupOrTheObservationReachesTheReader(t *testing.T) {
	store, source := newMemoryStore(t)
	source.lookup = func(context.Context, string) (string, error) { return "", apierrors.NewBadRequest("lookup") }
	if _, err := getPod(t.Context(), store, "a", ""); !apierrors.IsBadRequest(err) {
		t.Error(err)
	}
	source.lookup = func(_ context.Context, key string) (string, error) { return key, nil }
	source.observe = func(context.Context, string) (map[string]runtime.Object, []string, error) {
		return nil, nil, apierrors.NewServiceUnavailable("observe")
	}
	if _, err := getPod(t.Context(), store, "a", ""); !apierrors.IsServiceUnavailable(err) {
		t.Error(err)
	}
}

func TestALiveReadShowsWhatTheFenceBrings(t *testing.T) {
	store, source := newMemoryStore(t)
	n := 0
	source.fence = func(context.Context) error {
		n++
		source.put(newPod("a", fmt.Sprint(n)))
		return nil
	}
	for want := 1; want <= 50; want++ {
		list, err := listPods(t.Context(), store)
		if err != nil || shown(list) != fmt.Sprint("a=", want) {
			t.Fatalf("list %d shows %q, %v", want, shown(list), err)
		}
	}
	if _, err := listPods(t.Context(), store, atVersion("0")); err != nil || n != 50 {
		t.Errorf("a list from memory passed the fence: %d, %v", n, err)
	}
	if version, err := store.GetCurrentResourceVersion(t.Context()); err != nil || version != store.Versions.Current() || n != 51 {
		t.Errorf("version %d after %d fences: %v", version, n, err)
	}
}

func TestAGetOfAnObjectThatIsStillThereNeedsNoFence(t *testing.T) {
	store, source := newMemoryStore(t)
	source.put(newPod("a", "1"))
	mustGet(t, store, "a")
	source.fence = func(context.Context) error { return errors.New("it was asked for") }
	source.set("ns/a", newPod("a", "2")) // the source does not report it
	if pod, err := getPod(t.Context(), store, "a", ""); err != nil || pod.Status.Message != "2" {
		t.Errorf("get shows %v, %v", pod, err)
	}
}

func TestAGetOfANameThatMeansAnotherObjectByNowPassesTheFence(t *testing.T) {
	store, source := newMemoryStore(t)
	owner := "first"
	source.observe = func(_ context.Context, subject string) (map[string]runtime.Object, []string, error) {
		if subject != owner {
			return nil, nil, nil
		}
		return map[string]runtime.Object{"ns/a": newPod("a", owner, withUID(owner))}, nil, nil
	}
	store.MarkDirty("first")
	if got := mustGet(t, store, "a").Status.Message; got != "first" {
		t.Fatalf("get shows %s", got)
	}
	owner = "second"
	source.fence = func(context.Context) error {
		store.MarkDirty("second")
		return nil
	}
	if got := mustGet(t, store, "a").Status.Message; got != "second" {
		t.Errorf("get shows %s", got)
	}
}

func TestTheErrorOfTheFenceReachesTheClient(t *testing.T) {
	store, source := newMemoryStore(t)
	refused := apierrors.NewInternalError(errors.New("no fence"))
	source.fence = func(context.Context) error { return refused }
	_, getErr := getPod(t.Context(), store, "a", "")
	_, listErr := listPods(t.Context(), store)
	_, watchErr := store.Watch(t.Context(), "/pods/", storage.ListOptions{Predicate: storage.Everything, Recursive: true})
	_, versionErr := store.GetCurrentResourceVersion(t.Context())
	for what, err := range map[string]error{"get": getErr, "list": listErr, "watch": watchErr, "version": versionErr} {
		if !errors.Is(err, refused) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestWhileTheSourceIsUnavailableReadsAre503WithRetryAfter(t *testing.T) {
	store := New(Config{
		Versions: NewVersions(1), Prefix: "/pods/", Source: &memorySource{},
		NewFunc: func() runtime.Object { return &example.Pod{} },
	})
	t.Cleanup(store.Stop)
	watching := func(version string, initial *bool) func() error {
		return func() error {
			_, err := store.Watch(t.Context(), "/pods/", storage.ListOptions{
				Predicate: storage.Everything, Recursive: true, ResourceVersion: version, SendInitialEvents: initial})
			return err
		}
	}
	yes := true
	for what, read := range map[string]func() error{
		"get":              func() error { _, err := getPod(t.Context(), store, "a", ""); return err },
		"get from memory":  func() error { _, err := getPod(t.Context(), store, "a", "0"); return err },
		"list":             func() error { _, err := listPods(t.Context(), store); return err },
		"list from memory": func() error { _, err := listPods(t.Context(), store, atVersion("0")); return err },
		"exact list":       func() error { _, err := listPods(t.Context(), store, exactly("1")); return err },
		"watch":            watching("", nil),
		"watch from 0":     watching("0", nil),
		"watch list":       watching("1", &yes),
		"version":          func() error { _, err := store.GetCurrentResourceVersion(t.Context()); return err },
		"readiness":        store.ReadinessCheck,
		"create": func() error {
			return store.Create(t.Context(), "/pods/ns/a", newPod("a", ""), &example.Pod{}, 0)
		},
		"delete": func() error {
			return store.Delete(t.Context(), "/pods/ns/a", &example.Pod{}, nil, storage.ValidateAllObjectFunc, nil, storage.DeleteOptions{})
		},
	} {
		err := read()
		if seconds, ok := apierrors.SuggestsClientDelay(err); !apierrors.IsServiceUnavailable(err) || !ok || seconds < 1 {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestASourceThatGoesAwayWhileItIsReadIsNotAnEmptyList(t *testing.T) {
	store, source := newMemoryStore(t)
	gone := newUnavailable(store.Resource, "gone")
	source.fence = func(context.Context) error {
		store.SetUnavailable(gone)
		return nil
	}
	if _, err := listPods(t.Context(), store); !errors.Is(err, gone) {
		t.Errorf("list: %v", err)
	}
}

func TestAGetOfWhatTheSourceIsSlowToShowAnswersFromTheViewAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		source.put(newPod("a", "1"), newPod("b", "1"))
		mustGet(t, store, "a")
		source.observe = func(ctx context.Context, subject string) (map[string]runtime.Object, []string, error) {
			if subject == "ns/b" {
				return source.observed(subject), nil, nil
			}
			<-ctx.Done()
			return nil, nil, ctx.Err()
		}
		began := time.Now()
		if got := mustGet(t, store, "a").Status.Message; got != "1" || time.Since(began) != slowAfter {
			t.Errorf("the answer is %q after %v", got, time.Since(began))
		}
		began = time.Now()
		mustGet(t, store, "a")
		mustGet(t, store, "b")
		if list, err := listPods(t.Context(), store); err != nil || len(list.Items) != 2 || time.Since(began) != 0 {
			t.Errorf("later readers got %d objects after %v, %v", len(list.Items), time.Since(began), err)
		}
	})
}

func TestAGetOfWhatWasNeverSeenWaitsForASlowSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		source.lookup = func(_ context.Context, key string) (string, error) { return key, nil }
		source.set("ns/a", newPod("a", "1"))
		source.observe = func(_ context.Context, subject string) (map[string]runtime.Object, []string, error) {
			time.Sleep(3 * slowAfter)
			return source.observed(subject), nil, nil
		}
		store.MarkDirty("ns/a")
		time.Sleep(2 * slowAfter) // its observation is slow now
		began := time.Now()
		if got := mustGet(t, store, "a").Status.Message; got != "1" || time.Since(began) != 4*slowAfter {
			t.Errorf("the answer is %q after %v", got, time.Since(began))
		}
	})
}

func TestAReadThatTakesTooLongIsATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		source.put(newPod("a", "1"))
		synctest.Wait()
		source.observe = func(ctx context.Context, _ string) (map[string]runtime.Object, []string, error) {
			<-ctx.Done()
			return nil, nil, ctx.Err()
		}
		ctx, cancel := context.WithTimeout(t.Context(), slowAfter/2)
		defer cancel()
		if _, err := getPod(ctx, store, "a", ""); !apierrors.IsTimeout(err) {
			t.Errorf("get: %v", err)
		}
		store.MarkDirty("ns/b")
		ctx, cancel = context.WithTimeout(t.Context(), slowAfter/2)
		defer cancel()
		if _, err := listPods(ctx, store); !apierrors.IsTimeout(err) {
			t.Errorf("list: %v", err)
		}
	})
}

func TestASelectorThatFailsIsNoEmptyList(t *testing.T) {
	store, source := newMemoryStore(t)
	source.put(newPod("a", "1"))
	_, err := listPods(t.Context(), store, labelled("x", "y"), func(opts *storage.ListOptions) {
		opts.Predicate.GetAttrs = func(runtime.Object) (labels.Set, fields.Set, error) {
			return nil, nil, errors.New("no attributes")
		}
	})
	if err == nil {
		t.Error("no error")
	}
}

func TestAnswersOfAnotherTypeAreRefused(t *testing.T) {
	store, source := newMemoryStore(t)
	source.put(newPod("a", "1"))
	if err := store.Get(t.Context(), "/pods/ns/a", storage.GetOptions{}, &example.ReplicaSet{}); err == nil {
		t.Error("a replica set was filled with a pod")
	}
	opts := storage.ListOptions{Predicate: storage.Everything, Recursive: true}
	if err := store.GetList(t.Context(), "/pods/", opts, &example.Pod{}); err == nil {
		t.Error("a list was written into a pod")
	}
}

func TestAKeyOutsideOfTheStoreIsRefused(t *testing.T) {
	store, _ := newMemoryStore(t)
	for _, key := range []string{"/pods/../secrets/x", "/elsewhere/ns/a", ""} {
		opts := storage.ListOptions{Predicate: storage.Everything}
		_, watchErr := store.Watch(t.Context(), key, opts)
		errs := []error{
			store.Get(t.Context(), key, storage.GetOptions{}, &example.Pod{}),
			store.GetList(t.Context(), key, opts, &example.PodList{}),
			watchErr,
			store.Create(t.Context(), key, newPod("a", ""), nil, 0),
			store.GuaranteedUpdate(t.Context(), key, &example.Pod{}, false, nil, nil, nil),
			store.Delete(t.Context(), key, &example.Pod{}, nil, storage.ValidateAllObjectFunc, nil, storage.DeleteOptions{}),
		}
		if slices.Contains(errs, nil) {
			t.Errorf("%q: %v", key, errs)
		}
	}
}
