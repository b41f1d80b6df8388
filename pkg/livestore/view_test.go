// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/apis/example"
)

func newTestView(capacity int) *view {
	return newView(Config{
		Versions: NewVersions(100), Prefix: "/pods/", Aliases: podAliases, IndexedFields: indexedMessage, HistorySize: capacity,
	}.withDefaults())
}

// show applies these pods as the objects of the subject. It fails if the observation has to be repeated.
func show(t *testing.T, v *view, subject string, pods ...*example.Pod) (changes int, dirty []string) {
	t.Helper()
	changes, dirty, repeat := v.apply(subject, byKey(pods...), nil, v.begin())
	if repeat {
		t.Fatalf("the view wants another observation of %s", subject)
	}
	return changes, dirty
}

func byKey(pods ...*example.Pod) map[string]runtime.Object {
	objects := map[string]runtime.Object{}
	for _, pod := range pods {
		objects["ns/"+pod.Name] = pod
	}
	return objects
}

// log returns the history as "+name=message", "~name=message" and "-name=message", each followed by "@version".
func (v *view) log() (log []string) {
	for _, c := range v.history {
		sign, object := "~", c.object
		switch {
		case c.previous == nil:
			sign = "+"
		case c.object == nil:
			sign, object = "-", c.previous
		}
		pod := object.object.(*example.Pod)
		log = append(log, fmt.Sprintf("%s%s=%s@%d", sign, pod.Name, pod.Status.Message, c.version))
	}
	return log
}

func (v *view) wantLog(t *testing.T, want ...string) {
	t.Helper()
	if got := v.log(); !slices.Equal(got, want) {
		t.Errorf("the history is %q, want %q", got, want)
	}
}

func TestOnlyDifferencesMakeChanges(t *testing.T) {
	v := newTestView(100)
	show(t, v, "s", newPod("a", "1"), newPod("b", "1"))
	if changes, _ := show(t, v, "s", newPod("a", "1"), newPod("b", "1")); changes != 0 {
		t.Errorf("%d changes although nothing changed", changes)
	}
	if changes, _ := show(t, v, "s", newPod("a", "2"), newPod("c", "1")); changes != 3 {
		t.Errorf("%d changes, want 3", changes)
	}
	v.wantLog(t, "+a=1@101", "+b=1@102", "-b=1@103", "~a=2@104", "+c=1@105")
	if a := v.get("/pods/ns/a").object.object.(*example.Pod); a.ResourceVersion != "104" {
		t.Errorf("the object carries version %s", a.ResourceVersion)
	}
	show(t, v, "s")
	if len(v.entries) != 0 || v.ordered.Len() != 0 || len(v.owned) != 0 {
		t.Errorf("%d entries and %d objects of %v are left", len(v.entries), v.ordered.Len(), v.owned)
	}
}

func TestAnotherThingOfTheSameNameIsARemovalAndAnAddition(t *testing.T) {
	v := newTestView(100)
	show(t, v, "s", newPod("a", "1"))
	show(t, v, "s", newPod("a", "2", withUID("other")))
	v.wantLog(t, "+a=1@101", "-a=1@102", "+a=2@103")
}

func TestTheFormerOwnerOfAKeyBecomesDirty(t *testing.T) {
	v := newTestView(100)
	show(t, v, "old", newPod("a", "1"), newPod("b", "1"))
	_, dirty := show(t, v, "new", newPod("a", "2", withUID("other")))
	if !slices.Equal(dirty, []string{"old"}) {
		t.Errorf("%q became dirty", dirty)
	}
	show(t, v, "old", newPod("b", "1"))
	v.wantLog(t, "+a=1@101", "+b=1@102", "-a=1@103", "+a=2@104")
	if v.get("/pods/ns/a").subject != "new" {
		t.Error("the new owner lost the key when the former owner changed")
	}
}

func TestAnotherSubjectOfTheSameNameAndUIDIsARemovalAndAnAddition(t *testing.T) {
	v := newTestView(100)
	show(t, v, "old", newPod("a", "1"))
	show(t, v, "new", newPod("a", "1"))
	show(t, v, "old")
	v.wantLog(t, "+a=1@101", "-a=1@102", "+a=1@103")
}

// lose applies these pods as the objects of the subject, which has lost a to the heir.
func lose(t *testing.T, v *view, subject, heir string, pods ...*example.Pod) {
	t.Helper()
	if _, _, repeat := v.apply(subject, byKey(pods...), map[string]string{"ns/a": heir}, v.begin()); repeat {
		t.Fatalf("the view wants another observation of %s", subject)
	}
}

func TestAKeyThatHasMovedStaysUntilItsHeirTakesItOver(t *testing.T) {
	v := newTestView(100)
	show(t, v, "old", newPod("a", "1"), newPod("b", "1"))
	lose(t, v, "old", "new")
	v.wantLog(t, "+a=1@101", "+b=1@102", "-b=1@103")
	_, dirty := show(t, v, "new", newPod("a", "2", withUID("other")))
	v.wantLog(t, "+a=1@101", "+b=1@102", "-b=1@103", "-a=1@104", "+a=2@105")
	if !slices.Contains(dirty, "old") {
		t.Errorf("%q became dirty", dirty)
	}
	if show(t, v, "old"); len(v.heirs) != 0 || v.get("/pods/ns/a").moved {
		t.Errorf("the view still waits for the heirs %v", v.heirs)
	}
}

func TestAKeyThatItsHeirHasLostInItsTurnGoes(t *testing.T) {
	v := newTestView(100)
	show(t, v, "old", newPod("a", "1"))
	lose(t, v, "old", "new")
	if _, dirty := show(t, v, "new"); !slices.Equal(dirty, []string{"old"}) {
		t.Errorf("%q became dirty", dirty)
	}
	show(t, v, "old")
	v.wantLog(t, "+a=1@101", "-a=1@102")
}

func TestAKeyThatHasMovedBackStays(t *testing.T) {
	v := newTestView(100)
	show(t, v, "old", newPod("a", "1"))
	lose(t, v, "old", "new")
	show(t, v, "old", newPod("a", "1"))
	if v.get("/pods/ns/a").moved {
		t.Error("the view still takes the key for moved")
	}
	v.wantLog(t, "+a=1@101")
}

func TestAnObservationOfAKeyThatOverlapsWithItsOwnersIsRepeated(t *testing.T) {
	v := newTestView(100)
	early := v.begin() // sees a at the old subject, and ends late
	show(t, v, "new", newPod("a", "2", withUID("other")))
	if changes, _, repeat := v.apply("old", byKey(newPod("a", "1")), nil, early); !repeat || changes != 0 {
		t.Errorf("the observation made %d changes, and repeat is %v", changes, repeat)
	}
	show(t, v, "old")
	v.wantLog(t, "+a=2@101")
}

func TestAnObservationOfAKeyThatItsOwnerLostMeanwhileIsRepeated(t *testing.T) {
	v := newTestView(100)
	show(t, v, "new", newPod("a", "2", withUID("other")))
	early := v.begin() // sees a at the old subject, and ends late
	show(t, v, "new")
	if changes, _, repeat := v.apply("old", byKey(newPod("a", "1")), nil, early); !repeat || changes != 0 {
		t.Errorf("the observation made %d changes, and repeat is %v", changes, repeat)
	}
	show(t, v, "old", newPod("a", "3"))
	v.wantLog(t, "+a=2@101", "-a=2@102", "+a=3@103")
	if len(v.released) != 0 {
		t.Errorf("the view remembers %v although no observation is running", v.released)
	}
}

func TestAnUnchangedObservationCountsAsTheLatestOfItsOwner(t *testing.T) {
	v := newTestView(100)
	show(t, v, "owner", newPod("a", "1"))
	early := v.begin()
	show(t, v, "owner", newPod("a", "1"))
	if _, _, repeat := v.apply("stranger", byKey(newPod("a", "0", withUID("other"))), nil, early); !repeat {
		t.Error("an older observation took the key from an owner whose newer observation has it")
	}
}

func TestTheHistoryIsBoundedAndKeepsTheNewest(t *testing.T) {
	for _, capacity := range []int{1, 2, 3, 8, 100} {
		v := newTestView(capacity)
		for i := range 250 {
			show(t, v, "s", newPod("a", fmt.Sprint(i)))
			if n := len(v.history); n > capacity || v.history[n-1].version != v.versions.Current() || v.history[0].version != v.base+1 {
				t.Fatalf("capacity %d: %d changes are kept, base %d", capacity, n, v.base)
			}
		}
		if len(v.history) < capacity*3/4-1 {
			t.Errorf("capacity %d: only %d are kept", capacity, len(v.history))
		}
	}
}

func TestCompactForgetsUpToTheVersion(t *testing.T) {
	v := newTestView(100)
	for i := range 5 {
		show(t, v, "s", newPod("a", fmt.Sprint(i)))
	}
	v.compact(103)
	v.wantLog(t, "~a=3@104", "~a=4@105")
	v.compact(102)
	if v.base != 103 || len(v.history) != 2 {
		t.Errorf("base %d, %d changes", v.base, len(v.history))
	}
	v.versions.Next()
	v.compact(106)
	if v.base != 106 || len(v.history) != 0 {
		t.Errorf("base %d, %d changes", v.base, len(v.history))
	}
}

func TestAliasesAreIndexedAsObjectsComeChangeAndGo(t *testing.T) {
	v := newTestView(100)
	resolves := func(alias, want string) {
		t.Helper()
		got := ""
		if e := v.resolve("/pods/ns/" + alias); e != nil {
			got = accessor(e.object.object).GetName()
		}
		if got != want {
			t.Errorf("%s resolves to %q, want %q", alias, got, want)
		}
	}
	show(t, v, "a", newPod("a", "1", withAliases("id", "x", "x")))
	resolves("id", "a")
	show(t, v, "b", newPod("b", "1", withAliases("id")))
	resolves("id", "")
	show(t, v, "a", newPod("a", "1", withAliases("x")))
	resolves("id", "b")
	show(t, v, "id", newPod("id", "1"))
	resolves("id", "id")
	show(t, v, "id")
	show(t, v, "b")
	resolves("id", "")
	show(t, v, "a")
	if len(v.byAlias) != 0 {
		t.Errorf("the index still has %v", v.byAlias)
	}
}

// model is the expected content of a view: the objects by key, after each version.
type model map[uint64]map[string]string
