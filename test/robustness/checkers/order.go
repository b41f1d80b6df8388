// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package checkers

import (
	"k8s.io/apimachinery/pkg/watch"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// Ordered finds versions that go back within a watch, or from one list of a client to its next list.
func Ordered(h *history.History) Result {
	var r Result
	for _, w := range h.Watches {
		last, initial := w.From, w.Initial
		begin, _ := w.Begin()
		for _, event := range w.Events {
			version := event.Object.Version
			switch {
			case event.Type == watch.Error:
				continue
			case initial && !event.InitialEventsEnd:
				r.checked()
				if version > begin && begin > 0 {
					r.violated("%s: initial event %s is newer than their end at %d", who(w), what(event), begin)
				}
				continue
			case event.Type == watch.Bookmark:
				initial = false
				r.checked()
				if version < last {
					r.violated("%s: bookmark at %d after %d", who(w), version, last)
				}
			default:
				r.checked()
				if version < last {
					r.violated("%s: %s after %d", who(w), what(event), last)
				}
			}
			last = max(last, version)
		}
	}
	type lister struct {
		client string
		scope
	}
	last := map[lister]uint64{}
	for _, l := range h.Lists {
		key := lister{l.Client, scope{l.Run, l.Resource}}
		r.checked()
		if l.Version < last[key] {
			r.violated("%s, run %d: list of %s at %d after one at %d", l.Client, l.Run, l.Resource, l.Version, last[key])
		}
		for _, object := range l.Objects {
			if object.Version > l.Version {
				r.violated("%s, run %d: list of %s at %d has %s at %d", l.Client, l.Run, l.Resource, l.Version, object.Name, object.Version)
			}
		}
		last[key] = max(last[key], l.Version)
	}
	return r
}

// Unique finds changes that a watch shows twice, changes that change nothing, and versions that stand for different changes in
// different watches.
func Unique(h *history.History) Result {
	var r Result
	type place struct {
		scope
		version uint64
	}
	known := map[place]history.Event{}
	for _, w := range h.Watches {
		versions := map[uint64]bool{}
		objects := map[string]history.Object{}
		if begin, ok := w.Begin(); ok && w.Initial {
			for _, object := range initialObjects(w) {
				r.checked()
				if _, twice := objects[object.Name]; twice {
					r.violated("%s: %s is twice among the initial events, which end at %d", who(w), object.Name, begin)
				}
				objects[object.Name] = object
			}
		}
		for _, event := range w.Changes() {
			r.checked()
			version := event.Object.Version
			if versions[version] {
				r.violated("%s: two changes at %d, one of them %s", who(w), version, what(event))
			}
			versions[version] = true
			previous, isKnown := objects[event.Object.Name]
			if isKnown && event.Type == watch.Modified && previous.UID == event.Object.UID && previous.Digest == event.Object.Digest {
				r.violated("%s: %s changes nothing since %d", who(w), what(event), previous.Version)
			}
			apply(objects, event)
			if !w.Unfiltered() {
				continue
			}
			key := place{scope{w.Run, w.Resource}, version}
			if first, ok := known[key]; ok && (first.Type != event.Type || !same(first.Object, event.Object)) {
				r.violated("%s: %s, which another client was shown as %s", who(w), what(event), what(first))
			}
			known[key] = event
		}
	}
	return r
}
