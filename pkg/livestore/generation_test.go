// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/apis/example"
)

// withGenerations makes the store set generations of pods. The node name of a pod stands for its spec.
func withGenerations(c *Config) {
	c.SetGeneration = func(object runtime.Object, generation int64) { accessor(object).SetGeneration(generation) }
	c.SpecChanged = func(old, updated runtime.Object) bool {
		return old.(*example.Pod).Spec.NodeName != updated.(*example.Pod).Spec.NodeName
	}
}

func onNode(name string) func(*example.Pod) {
	return func(pod *example.Pod) { pod.Spec.NodeName = name }
}

func TestTheGenerationIsTheVersionAtWhichTheSpecLastChanged(t *testing.T) {
	store, source := newMemoryStore(t, withGenerations)
	var since string
	for _, step := range []struct {
		what    string
		pod     *example.Pod
		isNew   bool // whether the generation is new
		changes bool
	}{
		{"it appears", newPod("a", "1", onNode("x")), true, true},
		{"its status changes", newPod("a", "2", onNode("x")), false, true},
		{"nothing changes", newPod("a", "2", onNode("x")), false, false},
		{"its spec changes", newPod("a", "2", onNode("y")), true, true},
		{"both change", newPod("a", "3", onNode("x")), true, true},
		{"its status changes again", newPod("a", "4", onNode("x")), false, true},
		{"it is made anew", newPod("a", "4", onNode("x"), withUID("another")), true, true},
	} {
		before := current(store)
		source.put(step.pod)
		pod := mustGet(t, store, "a")
		if step.isNew {
			since = pod.ResourceVersion
		}
		if formatVersion(uint64(pod.Generation)) != since {
			t.Errorf("%s: generation %d, want %s", step.what, pod.Generation, since)
		}
		if (current(store) != before) != step.changes {
			t.Errorf("%s: the version was %s and is %s", step.what, before, current(store))
		}
	}
	source.drop("a")
	source.put(newPod("b", "1"))
	mustGet(t, store, "b")
	source.put(newPod("a", "4", onNode("x"), withUID("another")))
	if pod := mustGet(t, store, "a"); formatVersion(uint64(pod.Generation)) != pod.ResourceVersion {
		t.Errorf("the object is back: generation %d, version %s", pod.Generation, pod.ResourceVersion)
	}
}

func TestWhoHeardOfAVersionSeesItsGeneration(t *testing.T) {
	store, source := newMemoryStore(t, withGenerations)
	source.put(newPod("a", "1", onNode("x")))
	first := *mustGet(t, store, "a")
	w := watchPods(t, store, first.ResourceVersion)
	source.put(newPod("a", "2", onNode("x")))
	source.put(newPod("a", "2", onNode("x")))
	second := mustGet(t, store, "a")
	source.put(newPod("a", "2", onNode("y")))
	third := mustGet(t, store, "a")
	source.drop("a")
	for _, want := range []int64{second.Generation, third.Generation, third.Generation} {
		if pod := unshared((<-w.ResultChan()).Object).(*example.Pod); pod.Generation != want {
			t.Errorf("generation %d, want %d", pod.Generation, want)
		}
	}
	if first.Generation != second.Generation || third.Generation <= second.Generation {
		t.Errorf("the generations are %d, %d and %d", first.Generation, second.Generation, third.Generation)
	}
}

func TestAComparisonFindsNoDifferenceInAGeneration(t *testing.T) {
	counted := differences(t)
	store, source := newMemoryStore(t, withGenerations)
	source.put(newPod("a", "1", onNode("x")), newPod("b", "1"))
	before := mustGet(t, store, "a").ResourceVersion
	if err := store.Resync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := mustGet(t, store, "a").ResourceVersion; after != before || counted() != 0 {
		t.Errorf("version %s is %s now, %v differences", before, after, counted())
	}
}

func TestAGenerationGrowsWhenTheServerStartsAgain(t *testing.T) {
	generation := func(seed uint64) int64 {
		store, source := newMemoryStore(t, withGenerations, func(c *Config) { c.Versions = NewVersions(seed) })
		source.put(newPod("a", "1"))
		return mustGet(t, store, "a").Generation
	}
	if first, second := generation(1_000), generation(2_000); second <= first {
		t.Errorf("the generation was %d and is %d", first, second)
	}
}
