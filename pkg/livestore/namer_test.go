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

// lowering is a Namer: the name of an object may also be written in capitals.
type lowering struct{ *memorySource }

func (lowering) NameOf(name string) string { return strings.ToLower(name) }

func newNamingStore(t *testing.T) (*Store, *memorySource) {
	return newMemoryStore(t, func(c *Config) {
		c.Source = lowering{c.Source.(*memorySource)}
		c.Aliases = podAliases
	})
}

func TestAnObjectAnswersToOtherWaysOfWritingItsNameUnderTheNameAskedBy(t *testing.T) {
	store, source := newNamingStore(t)
	source.put(newPod("web", "1"))
	for _, name := range []string{"web", "Web", "WEB"} {
		if got := mustGet(t, store, name); got.Name != name || got.Status.Message != "1" {
			t.Errorf("%s is answered with %s=%s", name, got.Name, got.Status.Message)
		}
		opts := storage.ListOptions{Predicate: storage.Everything}
		list := &example.PodList{}
		if err := store.GetList(t.Context(), "/pods/ns/"+name, opts, list); err != nil || shown(list) != name+"=1" {
			t.Errorf("the list of %s is %q, %v", name, shown(list), err)
		}
	}
	if _, err := getPod(t.Context(), store, "Other", ""); !storage.IsNotFound(err) {
		t.Errorf("a name without an object: %v", err)
	}
	if err := store.Get(t.Context(), "/pods/other/WEB", storage.GetOptions{}, &example.Pod{}); !storage.IsNotFound(err) {
		t.Errorf("another namespace: %v", err)
	}
}

func TestAnotherWayOfWritingANameWinsOverAnAlias(t *testing.T) {
	store, source := newNamingStore(t)
	source.put(newPod("web", "named"), newPod("a", "aliased", withAliases("WEB")))
	if got := mustGet(t, store, "WEB").Status.Message; got != "named" {
		t.Errorf("the object %s answers", got)
	}
	source.drop("web")
	if got := mustGet(t, store, "WEB").Status.Message; got != "aliased" {
		t.Errorf("the object %s answers when it is alone", got)
	}
}

func TestADeleteByAnotherWayOfWritingANameActsOnItsObject(t *testing.T) {
	store, source := newNamingStore(t)
	source.put(newPod("web", "1"), newPod("db", "1"))
	source.remove = func(_ context.Context, subject string, _ runtime.Object) error {
		source.set(subject, nil)
		return nil
	}
	deleted := &example.Pod{}
	if err := store.Delete(t.Context(), "/pods/ns/WEB", deleted, nil, storage.ValidateAllObjectFunc, nil, storage.DeleteOptions{}); err != nil || deleted.Name != "WEB" {
		t.Errorf("the delete answers %q, %v", deleted.Name, err)
	}
	if list, err := listPods(t.Context(), store); err != nil || shown(list) != "db=1" {
		t.Errorf("after the delete: %q, %v", shown(list), err)
	}
}

func TestAWatchByAnotherWayOfWritingANameFollowsItsObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newNamingStore(t)
		before := current(store)
		live := collect(watchPod(t, store, "WEB", before))
		for _, step := range []func(){
			func() { source.put(newPod("a", "aliased", withAliases("WEB"))) },
			func() { source.put(newPod("web", "1")) },
			func() { source.put(newPod("web", "2")) },
			func() { source.drop("web") },
		} {
			step()
			synctest.Wait()
		}
		want := []string{"ADDED WEB=aliased", "DELETED WEB=aliased", "ADDED WEB=1", "MODIFIED WEB=2", "DELETED WEB=2", "ADDED WEB=aliased"}
		if got := withoutVersions(live.seen()); !slices.Equal(got, want) {
			t.Errorf("the watch saw %q", got)
		}
		replay := collect(watchPod(t, store, "WEB", before))
		synctest.Wait()
		if got := withoutVersions(replay.seen()); !slices.Equal(got, want) {
			t.Errorf("a watch from an older version saw %q", got)
		}
	})
}
