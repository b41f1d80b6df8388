// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
)

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
