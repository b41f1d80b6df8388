// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package checkers

import (
	"net/http"

	"k8s.io/apimachinery/pkg/watch"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// Reliable finds three faults: a watch lacks a change in its range that another client saw; a change does not fit the state
// before it; a list differs from an older state plus the changes since then.
func Reliable(h *history.History) Result {
	var r Result
	records := recordsOf(h)
	for _, w := range h.Watches {
		begin, known := w.Begin()
		if !w.Unfiltered() || !known || refused(w) {
			continue
		}
		record := records[scope{w.Run, w.Resource}]
		seen := map[uint64]bool{}
		for _, event := range w.Changes() {
			seen[event.Object.Version] = true
		}
		for _, change := range record.between(begin, w.End()) {
			r.checked()
			if !seen[change.Object.Version] {
				r.violated("%s: missed %s, and went on to %d", who(w), what(change), w.End())
			}
		}
		if state, ok := record.upTo(begin); ok {
			r.Add(following(w, state))
		}
	}
	for _, l := range h.Lists {
		if want, ok := records[scope{l.Run, l.Resource}].at(l.Version); ok {
			r.checked()
			if differ := differences(byName(l.Objects), want); len(differ) > 0 {
				r.violated("%s, run %d: list of %s at %d differs from the state after all changes in %q", l.Client, l.Run, l.Resource, l.Version, differ)
			}
		}
	}
	return r
}

// following finds changes that do not fit the state before them.
func following(w *history.Watch, state map[string]history.Object) (r Result) {
	for _, event := range w.Changes() {
		r.checked()
		before, there := state[event.Object.Name]
		switch {
		case (event.Type == watch.Added) == there:
			r.violated("%s: %s, although the object existed before: %v", who(w), what(event), there)
		case there && before.UID != event.Object.UID:
			r.violated("%s: %s with the UID of another object", who(w), what(event))
		}
		apply(state, event)
	}
	return r
}

// kept is the least number of changes that a server keeps, so that watches can resume. It is three quarters of the history size
// (4,096), because the server drops a quarter at a time.
const kept = 3 << 10

// Resumable checks watches that resume from a version of the same run. It finds watches that do not begin with the next change,
// and watches that the server refused although it kept the version.
func Resumable(h *history.History) Result {
	var r Result
	records := recordsOf(h)
	for _, w := range h.Watches {
		if w.Initial || w.From == 0 || w.FromRun != w.Run {
			continue
		}
		record := records[scope{w.Run, w.Resource}]
		if record == nil {
			continue
		}
		r.checked()
		if refused(w) {
			newest := w.From
			if n := len(record.changes); n > 0 {
				newest = record.changes[n-1].Object.Version
			}
			if n := len(record.between(w.From, newest)); w.Events[0].Code == http.StatusGone && n < kept {
				r.violated("%s: refused after %d changes: %s", who(w), n, w.Events[0].Message)
			}
			continue
		}
		changes := w.Changes()
		if !w.Unfiltered() || len(changes) == 0 {
			continue
		}
		if next := record.between(w.From, changes[0].Object.Version); len(next) > 1 {
			r.violated("%s: begins with %s, the next change was %s", who(w), what(changes[0]), what(next[0]))
		}
	}
	return r
}

// Monotonic finds versions of an earlier run that a later run accepts, and versions of a later run that are not higher than
// those of an earlier run.
func Monotonic(h *history.History) Result {
	var r Result
	lowest, highest := map[int]uint64{}, map[int]uint64{}
	see := func(run int, version uint64) {
		if low, ok := lowest[run]; !ok || version < low {
			lowest[run] = version
		}
		highest[run] = max(highest[run], version)
	}
	for _, w := range h.Watches {
		for _, event := range w.Events {
			if event.Type != watch.Error {
				see(w.Run, event.Object.Version)
			}
		}
		if w.FromRun >= w.Run || w.From == 0 || w.Initial {
			continue
		}
		if len(w.Events) == 0 && w.Cut {
			continue
		}
		r.checked()
		switch {
		case len(w.Events) == 0:
			r.violated("%s: accepted, although the version is one of run %d", who(w), w.FromRun)
		case w.Events[0].Type != watch.Error || w.Events[0].Code != http.StatusGone:
			r.violated("%s: answered with %s (%d), although the version is one of run %d", who(w), what(w.Events[0]), w.Events[0].Code, w.FromRun)
		}
	}
	for _, l := range h.Lists {
		see(l.Run, l.Version)
		for _, object := range l.Objects {
			see(l.Run, object.Version)
		}
	}
	for run, low := range lowest {
		for earlier, high := range highest {
			if earlier >= run {
				continue
			}
			r.checked()
			if low <= high {
				r.violated("run %d shows version %d, but run %d had reached %d", run, low, earlier, high)
			}
		}
	}
	return r
}
