// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package checkers

import (
	"slices"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// Bookmarkable finds bookmarks that come before a change that they cover, and bookmarks that the client did not ask for. It also
// finds initial events that do not end, end twice, or differ from the state at their end.
func Bookmarkable(h *history.History) Result {
	var r Result
	records := recordsOf(h)
	for _, w := range h.Watches {
		begin, known := w.Begin()
		if w.Initial && w.Bookmarks && !known && slices.ContainsFunc(w.Events, isLater) {
			r.violated("%s: changes before the end of the initial events", who(w))
		}
		record := records[scope{w.Run, w.Resource}]
		sent := map[uint64]bool{}
		ends := 0
		for _, event := range w.Events {
			version := event.Object.Version
			if event.Type != watch.Bookmark {
				sent[version] = true
				continue
			}
			r.checked()
			if !w.Bookmarks {
				r.violated("%s: a bookmark at %d that was not asked for", who(w), version)
			}
			if event.InitialEventsEnd {
				if ends++; ends > 1 || !w.Initial {
					r.violated("%s: an unexpected end of initial events at %d", who(w), version)
				}
			}
			if !w.Unfiltered() || !known || record == nil {
				continue
			}
			for _, change := range record.between(begin, version) {
				if !sent[change.Object.Version] {
					r.violated("%s: a bookmark at %d without %s", who(w), version, what(change))
				}
			}
		}
		if !w.Initial || !known || record == nil {
			continue
		}
		if want, ok := record.at(begin); ok {
			want, err := selected(w, want)
			r.checked()
			if differ := differences(byName(initialObjects(w)), want); err != nil || len(differ) > 0 {
				r.violated("%s: the initial events, up to %d, differ from the state at that version in %q %v", who(w), begin, differ, err)
			}
		}
	}
	return r
}

// isLater reports whether an event cannot be an initial event.
func isLater(e history.Event) bool { return e.Type == watch.Modified || e.Type == watch.Deleted }

// Filtered finds watches with a selector whose changes differ from the selected part of all changes.
func Filtered(h *history.History) Result {
	var r Result
	records := recordsOf(h)
	for _, w := range h.Watches {
		begin, known := w.Begin()
		record := records[scope{w.Run, w.Resource}]
		if w.Unfiltered() || !known || refused(w) || record == nil || !record.covers(begin, w.End()) {
			continue
		}
		state, ok := record.upTo(begin)
		if !ok {
			continue
		}
		matches, err := matcher(w)
		if err != nil {
			r.violated("%s: %v", who(w), err)
			continue
		}
		got := w.Changes()
		for _, change := range record.between(begin, w.End()) {
			before, there := state[change.Object.Name]
			apply(state, change)
			kind, ok := seenAs(there && matches(before), change.Type != watch.Deleted && matches(change.Object))
			if !ok {
				continue
			}
			r.checked()
			if len(got) == 0 {
				r.violated("%s: missed %s as %s, and went on to %d", who(w), what(change), kind, w.End())
				break
			}
			first := got[0]
			if first.Type != kind || first.Object.Version != change.Object.Version || first.Object.UID != change.Object.UID ||
				kind != watch.Deleted && !same(first.Object, change.Object) {
				r.violated("%s: shows %s where %s must be %s", who(w), what(first), what(change), kind)
				break
			}
			got = got[1:]
		}
		if len(got) > 0 && len(r.Violations) == 0 {
			r.violated("%s: shows %s, which changes nothing that is selected", who(w), what(got[0]))
		}
	}
	return r
}

// seenAs returns the type of event by which a watch with a selector shows a change. was and is say whether the selector selects
// the object before and after the change. Without either the watch shows nothing.
func seenAs(was, is bool) (watch.EventType, bool) {
	switch {
	case was && is:
		return watch.Modified, true
	case is:
		return watch.Added, true
	case was:
		return watch.Deleted, true
	}
	return "", false
}

func selected(w *history.Watch, state map[string]history.Object) (map[string]history.Object, error) {
	matches, err := matcher(w)
	if err != nil {
		return nil, err
	}
	found := map[string]history.Object{}
	for name, object := range state {
		if matches(object) {
			found[name] = object
		}
	}
	return found, nil
}

// matcher returns a function that reports whether a watch selects an object.
func matcher(w *history.Watch) (func(history.Object) bool, error) {
	byLabel, err := labels.Parse(w.LabelSelector)
	if err != nil {
		return nil, err
	}
	byField, err := fields.ParseSelector(w.FieldSelector)
	if err != nil {
		return nil, err
	}
	return func(o history.Object) bool {
		return byLabel.Matches(labels.Set(o.Labels)) && byField.Matches(fields.Set(o.Fields))
	}, nil
}
