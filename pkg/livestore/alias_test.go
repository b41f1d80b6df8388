// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
)

func newAliasStore(t *testing.T) (*Store, *memorySource) {
	return newMemoryStore(t, func(c *Config) { c.Aliases = podAliases })
}

func TestAnObjectAnswersToItsAliasUnderTheNameAskedBy(t *testing.T) {
	store, source := newAliasStore(t)
	source.put(newPod("a", "1", withAliases("id", "short")))
	for _, name := range []string{"a", "id", "short"} {
		if got := mustGet(t, store, name); got.Name != name || got.Status.Message != "1" {
			t.Errorf("%s is answered with %s=%s", name, got.Name, got.Status.Message)
		}
		opts := storage.ListOptions{Predicate: storage.Everything}
		list := &example.PodList{}
		if err := store.GetList(t.Context(), "/pods/ns/"+name, opts, list); err != nil || shown(list) != name+"=1" {
			t.Errorf("the list of %s is %q, %v", name, shown(list), err)
		}
	}
	if list, err := listPods(t.Context(), store); err != nil || shown(list) != "a=1" {
		t.Errorf("the list of all is %q, %v", shown(list), err)
	}
}

func TestAnAliasIsOfItsOwnNamespace(t *testing.T) {
	store, source := newAliasStore(t)
	source.put(newPod("a", "1", withAliases("id")))
	mustGet(t, store, "id")
	if err := store.Get(t.Context(), "/pods/other/id", storage.GetOptions{}, &example.Pod{}); !storage.IsNotFound(err) {
		t.Error(err)
	}
}

func TestAnAliasIsSharedOnlyWithinItsNamespace(t *testing.T) {
	store, source := newAliasStore(t)
	other := newPod("b", "2", withAliases("id"))
	other.Namespace = "other"
	source.put(newPod("a", "1", withAliases("id")), other)
	for namespace, want := range map[string]string{"ns": "1", "other": "2"} {
		pod := &example.Pod{}
		if err := store.Get(t.Context(), "/pods/"+namespace+"/id", storage.GetOptions{}, pod); err != nil || pod.Status.Message != want {
			t.Errorf("in %s the alias is of %q: %v", namespace, pod.Status.Message, err)
		}
	}
}

func TestARealNameWinsOverAnAlias(t *testing.T) {
	store, source := newAliasStore(t)
	source.put(newPod("a", "alias", withAliases("id")), newPod("id", "real"))
	if got := mustGet(t, store, "id").Status.Message; got != "real" {
		t.Errorf("the object %s answers", got)
	}
}

func TestASharedAliasIsOfNobody(t *testing.T) {
	store, source := newAliasStore(t)
	source.put(newPod("a", "1", withAliases("id")), newPod("b", "1", withAliases("id")))
	if _, err := getPod(t.Context(), store, "id", ""); !storage.IsNotFound(err) {
		t.Errorf("get: %v", err)
	}
	if err := store.GuaranteedUpdate(t.Context(), "/pods/ns/id", &example.Pod{}, false, nil, nil, nil); !storage.IsNotFound(err) {
		t.Errorf("update: %v", err)
	}
	if err := store.Delete(t.Context(), "/pods/ns/id", &example.Pod{}, nil, storage.ValidateAllObjectFunc, nil, storage.DeleteOptions{}); !storage.IsNotFound(err) {
		t.Errorf("delete: %v", err)
	}
}

func TestWritesByAnAliasActOnTheSubject(t *testing.T) {
	store, source := newAliasStore(t)
	source.put(newPod("a", "1", withAliases("id")))
	source.update = func(_ context.Context, subject string, _, updated runtime.Object) error {
		pod := updated.DeepCopyObject().(*example.Pod)
		pod.Name = "a"
		source.set(subject, pod)
		return nil
	}
	source.remove = func(_ context.Context, subject string, _ runtime.Object) error {
		source.set(subject, nil)
		return nil
	}
	updated := &example.Pod{}
	err := store.GuaranteedUpdate(t.Context(), "/pods/ns/id", updated, false, nil, storage.SimpleUpdate(func(object runtime.Object) (runtime.Object, error) {
		object.(*example.Pod).Status.Message = "2"
		return object, nil
	}), nil)
	if err != nil || updated.Name != "id" || updated.Status.Message != "2" {
		t.Errorf("the update answers %s=%s, %v", updated.Name, updated.Status.Message, err)
	}
	if got := mustGet(t, store, "a"); got.Name != "a" || got.Status.Message != "2" {
		t.Errorf("the object is %s=%s", got.Name, got.Status.Message)
	}
	deleted := &example.Pod{}
	err = store.Delete(t.Context(), "/pods/ns/id", deleted, nil, storage.ValidateAllObjectFunc, nil, storage.DeleteOptions{})
	if err != nil || deleted.Name != "id" {
		t.Errorf("the delete answers %q, %v", deleted.Name, err)
	}
	if _, err := getPod(t.Context(), store, "a", ""); !storage.IsNotFound(err) {
		t.Errorf("the object still exists: %v", err)
	}
}

func TestAnObjectCanBeMadeUnderAnothersAlias(t *testing.T) {
	store, source := newAliasStore(t)
	source.put(newPod("a", "1", withAliases("id")))
	if err := store.Create(t.Context(), "/pods/ns/id", newPod("id", "real"), nil, 0); err != nil {
		t.Fatal(err)
	}
	if err := store.Create(t.Context(), "/pods/ns/id", newPod("id", "real"), nil, 0); !storage.IsExist(err) {
		t.Error(err)
	}
}

func TestAWatchByAnAliasFollowsWhatAnswersToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newAliasStore(t)
		before := current(store)
		var changedAt []uint64 // the version of each event
		live := collect(watchPod(t, store, "id", before))
		all := collect(watchPods(t, store, before))
		for _, step := range []func(){
			func() { source.put(newPod("a", "1", withAliases("id"))) },
			func() { source.put(newPod("other", "1", withAliases("another"))) },
			func() { source.put(newPod("a", "2", withAliases("id"))) },
			func() { source.put(newPod("b", "1", withAliases("id"))) },
			func() { source.put(newPod("a", "3", withAliases("id"))) },
			func() { source.put(newPod("b", "2")) },
			func() { source.put(newPod("id", "real")) },
			func() { source.put(newPod("a", "4", withAliases("id"))) },
			func() { source.put(newPod("id", "really")) },
			func() { source.drop("id") },
			func() { source.put(newPod("a", "5", withAliases("id"), withUID("another"))) },
			func() { source.drop("a") },
		} {
			earlier := store.Versions.Current()
			step()
			synctest.Wait()
			for _, event := range live.seen()[len(changedAt):] {
				if at := parse(t, store, event[strings.LastIndexByte(event, '@')+1:]); at <= earlier {
					t.Errorf("%s has the version of an earlier change", event)
				}
				changedAt = append(changedAt, parse(t, store, event[strings.LastIndexByte(event, '@')+1:]))
			}
		}
		want := []string{
			"ADDED id=1",
			"MODIFIED id=2",
			"DELETED id=2", // a and b share the alias
			"ADDED id=3",   // only a has the alias
			"DELETED id=3", "ADDED id=real",
			"MODIFIED id=really",
			"DELETED id=really", "ADDED id=4",
			"DELETED id=4", "ADDED id=5",
			"DELETED id=5",
		}
		if got := withoutVersions(live.seen()); !slices.Equal(got, want) {
			t.Errorf("the watch saw\n%q, want\n%q", got, want)
		}
		if n := len(all.seen()); n != 13 {
			t.Errorf("a watch of all saw %d events: %q", n, all.seen())
		}

		// A watch from an older version sees the changes that came after that version.
		events := live.seen()
		for version := parse(t, store, before); version <= store.Versions.Current(); version++ {
			replay := collect(watchPod(t, store, "id", formatVersion(version)))
			synctest.Wait()
			got := replay.seen()
			if len(got) > len(events) || !slices.Equal(got, events[len(events)-len(got):]) {
				t.Errorf("from version %d the watch saw %q, which is not the end of %q", version, got, events)
			}
			for i, event := range events {
				at := changedAt[i]
				if missed := i < len(events)-len(got); missed != (at <= version) {
					t.Errorf("from version %d the watch saw %q, but %s has version %d", version, got, event, at)
				}
			}
		}
	})
}

func TestAWatchByAnAliasBeginsWithWhatAnswersToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newAliasStore(t)
		source.put(newPod("a", "1", withAliases("id")))
		synctest.Wait()
		c := collect(watchPod(t, store, "id", "0"))
		synctest.Wait()
		if got := withoutVersions(c.seen()); !slices.Equal(got, []string{"ADDED id=1"}) {
			t.Errorf("the watch begins with %q", got)
		}
	})
}
