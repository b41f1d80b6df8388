// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"errors"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/storage"
)

func TestPagesShowOneVersionWhileWritesGoOn(t *testing.T) {
	store, source := newMemoryStore(t)
	want := ""
	for i := range 23 {
		source.put(newPod(fmt.Sprintf("p%02d", i), "1"))
		want += fmt.Sprintf(" p%02d=1", i)
	}
	got, version, next := "", "", ""
	for n := 0; ; n++ {
		list, err := listPods(t.Context(), store, page(5, next))
		if err != nil {
			t.Fatal(err)
		}
		if version == "" {
			version = list.ResourceVersion
		}
		if list.ResourceVersion != version {
			t.Errorf("page %d shows version %s, the first one %s", n, list.ResourceVersion, version)
		}
		got += " " + shown(list)
		if next = list.Continue; next == "" {
			break
		}
		if left := int64(23 - 5*(n+1)); list.RemainingItemCount == nil || *list.RemainingItemCount != left {
			t.Errorf("page %d: %v objects remain, want %d", n, list.RemainingItemCount, left)
		}
		source.drop(fmt.Sprintf("p%02d", 20-n))
		source.put(newPod(fmt.Sprintf("p%02d", 5+n), "2"), newPod(fmt.Sprintf("p%02dx", 8+n), "3"))
	}
	if got != want {
		t.Errorf("the pages show%s\nwant %s", got, want)
	}
}

func TestThePageOfAForgottenVersionIs410WithATokenThatGoesOn(t *testing.T) {
	store, source := newMemoryStore(t)
	source.put(newPod("a", "1"), newPod("b", "1"), newPod("c", "1"))
	first, err := listPods(t.Context(), store, page(1, ""))
	if err != nil {
		t.Fatal(err)
	}
	source.drop("b")
	source.put(newPod("c", "2"))
	if _, err := listPods(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	store.Compact(store.Versions.Current())
	_, err = listPods(t.Context(), store, page(1, first.Continue))
	var status apierrors.APIStatus
	if !apierrors.IsResourceExpired(err) || !errors.As(err, &status) {
		t.Fatal(err)
	}
	rest, err := listPods(t.Context(), store, page(1, status.Status().Continue))
	if err != nil || shown(rest) != "c=2" || rest.ResourceVersion != current(store) {
		t.Errorf("the token goes on with %q at %s, %v", shown(rest), rest.ResourceVersion, err)
	}
}

func TestAnExactListShowsItsVersionOrIs410(t *testing.T) {
	store, source := newMemoryStore(t)
	source.put(newPod("a", "1"))
	old, err := listPods(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	source.put(newPod("a", "2"))
	if list, err := listPods(t.Context(), store); err != nil || shown(list) != "a=2" {
		t.Fatalf("%q, %v", shown(list), err)
	}
	list, err := listPods(t.Context(), store, exactly(old.ResourceVersion))
	if err != nil || shown(list) != "a=1" || list.ResourceVersion != old.ResourceVersion {
		t.Errorf("%q at %s, %v", shown(list), list.ResourceVersion, err)
	}
	store.Compact(store.Versions.Current())
	if _, err := listPods(t.Context(), store, exactly(old.ResourceVersion)); !apierrors.IsResourceExpired(err) {
		t.Error(err)
	}
}

func TestAVersionThatWasNotHandedOutYetIsTooLarge(t *testing.T) {
	store, _ := newMemoryStore(t)
	future := formatVersion(store.Versions.Current() + 1)
	_, getErr := getPod(t.Context(), store, "a", future)
	_, listErr := listPods(t.Context(), store, atVersion(future))
	_, exactErr := listPods(t.Context(), store, exactly(future))
	for what, err := range map[string]error{"get": getErr, "list": listErr, "exact list": exactErr} {
		if !storage.IsTooLargeResourceVersion(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	w := watchPods(t, store, future)
	event, ok := <-w.ResultChan()
	if !ok || describe(event) != "ERROR" || !apierrors.IsResourceExpired(apierrors.FromObject(event.Object)) {
		t.Errorf("watch: %v", event)
	}
	if _, ok := <-w.ResultChan(); ok {
		t.Error("the watch has not ended")
	}
}

func TestAVersionThatIsNoNumberIsABadRequest(t *testing.T) {
	store, _ := newMemoryStore(t)
	_, getErr := getPod(t.Context(), store, "a", "x")
	_, listErr := listPods(t.Context(), store, atVersion("x"))
	_, watchErr := store.Watch(t.Context(), "/pods/", storage.ListOptions{ResourceVersion: "x", Predicate: storage.Everything, Recursive: true})
	for what, err := range map[string]error{"get": getErr, "list": listErr, "watch": watchErr} {
		if !apierrors.IsBadRequest(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestALimitCountsWhatTheSelectorLeaves(t *testing.T) {
	store, source := newMemoryStore(t)
	want := ""
	for i := range 30 {
		name := fmt.Sprintf("p%02d", i)
		source.put(newPod(name, "1", withLabel("odd", fmt.Sprint(i%2))))
		if i%2 == 1 {
			want += " " + name + "=1"
		}
	}
	got, next := "", ""
	for {
		list, err := listPods(t.Context(), store, labelled("odd", "1"), page(4, next))
		if err != nil {
			t.Fatal(err)
		}
		if list.RemainingItemCount != nil {
			t.Error("the list counts the remaining objects, but not all of them may match")
		}
		got += " " + shown(list)
		if next = list.Continue; next == "" {
			break
		}
		if len(list.Items) != 4 {
			t.Errorf("a page of %d", len(list.Items))
		}
	}
	if got != want {
		t.Errorf("the pages show%s, want%s", got, want)
	}
}
