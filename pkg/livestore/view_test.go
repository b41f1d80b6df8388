// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
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
		t.Fatalf("%s is to be observed again", subject)
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
		t.Errorf("the history is %q, not %q", got, want)
	}
}

func TestOnlyDifferencesMakeChanges(t *testing.T) {
	v := newTestView(100)
	show(t, v, "s", newPod("a", "1"), newPod("b", "1"))
	if changes, _ := show(t, v, "s", newPod("a", "1"), newPod("b", "1")); changes != 0 {
		t.Errorf("%d changes for what has not changed", changes)
	}
	if changes, _ := show(t, v, "s", newPod("a", "2"), newPod("c", "1")); changes != 3 {
		t.Errorf("%d changes, not 3", changes)
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
		t.Error("the key went with its former owner")
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
		t.Fatalf("%s is to be observed again", subject)
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
		t.Errorf("it is still thought to be on its way to %v", v.heirs)
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
		t.Error("it is thought to be gone")
	}
	v.wantLog(t, "+a=1@101")
}

func TestAnObservationOfAKeyThatOverlapsWithItsOwnersIsRepeated(t *testing.T) {
	v := newTestView(100)
	early := v.begin() // sees a at the old subject, and ends late
	show(t, v, "new", newPod("a", "2", withUID("other")))
	if changes, _, repeat := v.apply("old", byKey(newPod("a", "1")), nil, early); !repeat || changes != 0 {
		t.Errorf("it made %d changes, and is repeated: %v", changes, repeat)
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
		t.Errorf("it made %d changes, and is repeated: %v", changes, repeat)
	}
	show(t, v, "old", newPod("a", "3"))
	v.wantLog(t, "+a=2@101", "-a=2@102", "+a=3@103")
	if len(v.released) != 0 {
		t.Errorf("%v is remembered with nothing under way", v.released)
	}
}

func TestAnUnchangedObservationCountsAsTheLatestOfItsOwner(t *testing.T) {
	v := newTestView(100)
	show(t, v, "owner", newPod("a", "1"))
	early := v.begin()
	show(t, v, "owner", newPod("a", "1"))
	if _, _, repeat := v.apply("stranger", byKey(newPod("a", "0", withUID("other"))), nil, early); !repeat {
		t.Error("an older observation took the key from an owner that was seen to have it since")
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
			t.Errorf("%s resolves to %q, not %q", alias, got, want)
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
		t.Errorf("%v is left in the index", v.byAlias)
	}
}

// model is the expected content of a view: the objects by key, after each version.
type model map[uint64]map[string]string

func TestTheViewAtAnyVersionIsWhatItWasThen(t *testing.T) {
	for seed := range uint64(30) {
		checkAgainstModel(t, seed, 150)
	}
}

func FuzzTheViewAtAnyVersionIsWhatItWasThen(f *testing.F) {
	f.Add(uint64(1), uint8(50))
	f.Fuzz(func(t *testing.T, seed uint64, steps uint8) { checkAgainstModel(t, seed, int(steps)) })
}

func checkAgainstModel(t *testing.T, seed uint64, steps int) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	names := []string{"a", "b", "c", "d", "e", "id-1", "id-2"}
	v := newTestView(20 + random.IntN(60))
	was, now, shows := model{}, map[string]string{}, map[string]string{}
	was[v.versions.Current()] = map[string]string{}
	recorded := v.versions.Current()
	for range steps {
		subject := fmt.Sprint("s", random.IntN(4))
		var pods []*example.Pod
		for _, i := range random.Perm(len(names))[:random.IntN(4)] {
			pods = append(pods, newPod(names[i], fmt.Sprint(random.IntN(3)), withUID(fmt.Sprint(subject, random.IntN(2))),
				withAliases([]string{"id-1", "id-2", "id-3"}[random.IntN(3)])))
		}
		show(t, v, subject, pods...)
		for _, c := range v.history[v.indexAfter(recorded):] {
			if recorded+1 != c.version {
				t.Fatalf("seed %d: version %d follows %d", seed, c.version, recorded)
			}
			delete(now, c.key)
			if c.object != nil {
				now[c.key] = content(c.object)
			}
			recorded = c.version
			was[recorded] = maps.Clone(now)
		}
		if random.IntN(30) == 0 {
			v.compact(min(v.base+uint64(random.IntN(3)), v.versions.Current()))
		}
		if got := contentOf(v); !maps.Equal(got, now) {
			t.Fatalf("seed %d: the history leads to %v, the objects are %v", seed, now, got)
		}
		for key, e := range v.entries {
			if object, ok := v.ordered.Get(e.object); !ok || object != e.object || key != object.key || len(v.entries) != v.ordered.Len() {
				t.Fatalf("seed %d: the entry of %s has another object than lists", seed, key)
			}
		}
		maps.DeleteFunc(shows, func(_, owner string) bool { return owner == subject })
		for _, pod := range pods {
			shows["/pods/ns/"+pod.Name] = subject
		}
		if got := ownersOf(v); !maps.Equal(got, shows) {
			t.Fatalf("seed %d: the keys are of %v, not of %v", seed, got, shows)
		}
	}
	for version := v.base; version <= v.versions.Current(); version++ {
		want, known := was[version]
		if !known {
			continue
		}
		if got := v.contents(version, "/pods/", ""); !maps.Equal(got, want) {
			t.Fatalf("seed %d: at %d the view is %v, it was %v", seed, version, got, want)
		}
		start := "/pods/ns/" + names[random.IntN(len(names))]
		later := maps.Clone(want)
		maps.DeleteFunc(later, func(key, _ string) bool { return key < start })
		if got := v.contents(version, "/pods/", start); !maps.Equal(got, later) {
			t.Fatalf("seed %d: at %d from %s the view is %v, it was %v", seed, version, start, got, later)
		}
		for _, message := range []string{"0", "1", "2", "3"} {
			selected, all := v.selected(version, start, withMessage(message)), v.selected(version, start, storage.Everything)
			maps.DeleteFunc(all, func(_, got string) bool { return got != message })
			maps.DeleteFunc(selected, func(_, got string) bool { return got != message })
			if !maps.Equal(selected, all) {
				t.Fatalf("seed %d: at %d from %s the index leads to %v, there were %v", seed, version, start, selected, all)
			}
		}
		for _, name := range append(names, "id-3") {
			key := "/pods/ns/" + name
			got := ""
			if object := v.named(key, version).object(); object != nil {
				got = content(object)
			}
			if want := answering(want, key); got != want {
				t.Fatalf("seed %d: at %d %q answers to %s, %q did", seed, version, got, key, want)
			}
		}
	}
}

// content returns the text by which the tests compare states of a pod. It leaves out the name, because an alias changes
// that.
func content(object *shared) string {
	pod := object.object.(*example.Pod)
	return fmt.Sprintf("%s %s@%s %s", pod.UID, pod.Status.Message, pod.ResourceVersion, strings.Join(pod.Finalizers, ","))
}

func (v *view) contents(version uint64, prefix, start string) map[string]string {
	result := map[string]string{}
	last := ""
	for _, each := range v.at(version, prefix, start, storage.Everything) {
		if each.key <= last {
			return map[string]string{"out of order": each.key}
		}
		last = each.key
		result[each.key] = content(each)
	}
	return result
}

// selected returns the messages of the objects that at returns.
func (v *view) selected(version uint64, start string, predicate storage.SelectionPredicate) map[string]string {
	result := map[string]string{}
	for _, each := range v.at(version, "/pods/", start, predicate) {
		result[each.key] = message(each.object)
	}
	return result
}

func contentOf(v *view) map[string]string {
	result := map[string]string{}
	v.ordered.Ascend(func(object *shared) bool {
		result[object.key] = content(object)
		return true
	})
	return result
}

func ownersOf(v *view) map[string]string {
	result := map[string]string{}
	for subject, keys := range v.owned {
		for _, key := range keys {
			result[key] = subject
		}
	}
	return result
}

// answering returns the object that answers to key among these objects.
func answering(objects map[string]string, key string) string {
	if object, ok := objects[key]; ok {
		return object
	}
	found := sets.New[string]()
	for _, object := range objects {
		if strings.HasSuffix(object, " "+key[len("/pods/ns/"):]) {
			found.Insert(object)
		}
	}
	if len(found) == 1 {
		return sets.List(found)[0]
	}
	return ""
}
