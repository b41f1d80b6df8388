// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package checkers

import (
	"cmp"
	"maps"
	"slices"
	"sort"

	"k8s.io/apimachinery/pkg/watch"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// scope is one resource in one run of the server. Within a scope, versions and names mean the same to every client.
type scope struct {
	run      int
	resource string
}

// span is the range of versions after from, up to and including to.
type span struct{ from, to uint64 }

// snapshot is a whole state that a client saw at one version.
type snapshot struct {
	version uint64
	objects []history.Object
}

// record is everything that all clients together saw of one scope.
type record struct {
	changes   []history.Event // sorted by version
	covered   []span          // versions that a watch covered; no change is missing there if watches are reliable
	snapshots []snapshot      // sorted by version
}

// recordsOf merges what the unfiltered watches and the lists saw.
func recordsOf(h *history.History) map[scope]*record {
	records := map[scope]*record{}
	of := func(run int, resource string) *record {
		s := scope{run, resource}
		if records[s] == nil {
			records[s] = &record{}
		}
		return records[s]
	}
	for _, l := range h.Lists {
		r := of(l.Run, l.Resource)
		r.snapshots = append(r.snapshots, snapshot{l.Version, l.Objects})
	}
	for _, w := range h.Watches {
		if !w.Unfiltered() {
			continue
		}
		begin, known := w.Begin()
		if !known || refused(w) {
			continue
		}
		r := of(w.Run, w.Resource)
		r.changes = append(r.changes, w.Changes()...)
		r.covered = append(r.covered, span{begin, w.End()})
		if w.Initial {
			r.snapshots = append(r.snapshots, snapshot{begin, initialObjects(w)})
		}
	}
	for _, r := range records {
		r.tidy()
	}
	return records
}

// refused reports whether the server refused the version of a watch.
func refused(w *history.Watch) bool { return len(w.Events) > 0 && w.Events[0].Type == watch.Error }

func initialObjects(w *history.Watch) []history.Object {
	var objects []history.Object
	for _, event := range w.Events {
		if event.InitialEventsEnd {
			break
		}
		objects = append(objects, event.Object)
	}
	return objects
}

func (r *record) tidy() {
	slices.SortStableFunc(r.changes, func(a, b history.Event) int { return cmp.Compare(a.Object.Version, b.Object.Version) })
	r.changes = slices.CompactFunc(r.changes, func(a, b history.Event) bool { return a.Object.Version == b.Object.Version })
	slices.SortFunc(r.covered, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var merged []span
	for _, s := range r.covered {
		if n := len(merged); n > 0 && s.from <= merged[n-1].to {
			merged[n-1].to = max(merged[n-1].to, s.to)
		} else {
			merged = append(merged, s)
		}
	}
	r.covered = merged
	slices.SortStableFunc(r.snapshots, func(a, b snapshot) int { return cmp.Compare(a.version, b.version) })
}

// between returns the changes after from, up to and including to.
func (r *record) between(from, to uint64) []history.Event {
	after := func(version uint64) int {
		return sort.Search(len(r.changes), func(i int) bool { return r.changes[i].Object.Version > version })
	}
	first, last := after(from), after(to)
	if first >= last {
		return nil
	}
	return r.changes[first:last]
}

// covers reports whether the record has every change after from, up to and including to.
func (r *record) covers(from, to uint64) bool {
	return from >= to || slices.ContainsFunc(r.covered, func(s span) bool { return s.from <= from && to <= s.to })
}

// at returns the objects at a version by name. It applies the changes since an older snapshot, and returns false if there is no
// such snapshot. It ignores snapshots of the version itself, so that these can be checked against it.
func (r *record) at(version uint64) (map[string]history.Object, bool) {
	next := sort.Search(len(r.snapshots), func(i int) bool { return r.snapshots[i].version >= version })
	return r.from(next-1, version)
}

// upTo is like at, but also uses a snapshot of the version itself.
func (r *record) upTo(version uint64) (map[string]history.Object, bool) {
	next := sort.Search(len(r.snapshots), func(i int) bool { return r.snapshots[i].version > version })
	return r.from(next-1, version)
}

func (r *record) from(i int, version uint64) (map[string]history.Object, bool) {
	if i < 0 || !r.covers(r.snapshots[i].version, version) {
		return nil, false
	}
	state := byName(r.snapshots[i].objects)
	for _, change := range r.between(r.snapshots[i].version, version) {
		apply(state, change)
	}
	return state, true
}

func apply(state map[string]history.Object, change history.Event) {
	if change.Type == watch.Deleted {
		delete(state, change.Object.Name)
	} else {
		state[change.Object.Name] = change.Object
	}
}

func byName(objects []history.Object) map[string]history.Object {
	named := make(map[string]history.Object, len(objects))
	for _, object := range objects {
		named[object.Name] = object
	}
	return named
}

// same reports whether two clients saw the same state of an object.
func same(a, b history.Object) bool {
	return a.Name == b.Name && a.UID == b.UID && a.Version == b.Version && a.Digest == b.Digest
}

// differences returns the names of the objects in which two states differ.
func differences(got, want map[string]history.Object) []string {
	names := map[string]bool{}
	for name, object := range got {
		if known, ok := want[name]; !ok || !same(object, known) {
			names[name] = true
		}
	}
	for name := range want {
		if _, ok := got[name]; !ok {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
