// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package checkers

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/watch"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// object returns one version of an object. The digest stands for its content.
func object(name string, version uint64, digest string) history.Object {
	return history.Object{Name: name, UID: "uid of " + name, Version: version, Digest: digest, Labels: map[string]string{"team": digest}}
}

func added(o history.Object) history.Event    { return history.Event{Type: watch.Added, Object: o} }
func modified(o history.Object) history.Event { return history.Event{Type: watch.Modified, Object: o} }
func deleted(o history.Object) history.Event  { return history.Event{Type: watch.Deleted, Object: o} }
func bookmark(version uint64) history.Event {
	return history.Event{Type: watch.Bookmark, Object: history.Object{Version: version}}
}

func initialEnd(version uint64) history.Event {
	event := bookmark(version)
	event.InitialEventsEnd = true
	return event
}

func expired() history.Event { return history.Event{Type: watch.Error, Code: http.StatusGone} }

// events returns the changes in each history of these tests: web is created and changes, db is created and deleted.
func events() []history.Event {
	return []history.Event{
		added(object("web", 11, "a")), added(object("db", 12, "b")), modified(object("web", 13, "b")), deleted(object("db", 14, "b")), modified(object("web", 15, "a")),
	}
}

// good returns a history that keeps every promise. Each test case breaks one promise.
func good() *history.History {
	return &history.History{
		Watches: []*history.Watch{
			{Client: "full", Resource: "containers", Run: 1, FromRun: 1, From: 10, Bookmarks: true, Events: slices.Concat(events()[:3], []history.Event{bookmark(13)}, events()[3:])},
			{Client: "resumed", Resource: "containers", Run: 1, FromRun: 1, From: 12, Events: events()[2:]},
			{Client: "initial", Resource: "containers", Run: 1, FromRun: 1, Initial: true, Bookmarks: true,
				Events: slices.Concat([]history.Event{added(object("db", 12, "b")), added(object("web", 11, "a")), initialEnd(12)}, events()[2:])},
			{Client: "selecting", Resource: "containers", Run: 1, FromRun: 1, From: 10, LabelSelector: "team=a",
				Events: []history.Event{added(object("web", 11, "a")), deleted(object("web", 13, "a")), added(object("web", 15, "a"))}},
			{Client: "outdated", Resource: "containers", Run: 2, FromRun: 1, From: 12, Events: []history.Event{expired()}},
		},
		Lists: []*history.List{
			{Client: "lister", Resource: "containers", Run: 1, Version: 10},
			{Client: "lister", Resource: "containers", Run: 1, Version: 13, Objects: []history.Object{object("db", 12, "b"), object("web", 13, "b")}},
			{Client: "lister", Resource: "containers", Run: 2, Version: 21, Objects: []history.Object{object("web", 20, "a")}},
		},
		Operations: []history.Operation{
			operation("writer", Create, "", 0, 2), operation("reader", history.Read, history.Absent, 0, 2), operation("reader", history.Read, "created", 3, 4),
			operation("writer", Start, "", 4, 8), operation("reader", history.Read, "created", 4, 5), operation("reader", history.Read, "running", 5, 7),
			operation("reader", history.Read, "running", 9, 10), operation("writer", Stop, "", 11, 12), operation("reader", history.Read, "exited", 13, 14),
		},
		Streams: streams(), Requests: requests(), Creations: creations(),
	}
}

func operation(client, action, value string, call, end time.Duration) history.Operation {
	return history.Operation{Client: client, Kind: ContainerStatus, Register: "web", Action: action, Value: value, Call: call, Return: end, Outcome: history.Done}
}

func TestAHistoryInWhichEveryPromiseIsKeptPassesEveryChecker(t *testing.T) {
	for _, checker := range All {
		result := checker.Check(good())
		if len(result.Violations) > 0 {
			t.Errorf("%s: %q", checker.Name, result.Violations)
		}
		if result.Checks == 0 {
			t.Errorf("%s has checked nothing", checker.Name)
		}
	}
}

func TestEachFaultIsCaught(t *testing.T) {
	const full, resumed, initial, selecting, outdated = 0, 1, 2, 3, 4
	eventsOf := func(h *history.History, i int) *[]history.Event { return &h.Watches[i].Events }
	drop := func(watch, event int) func(*history.History) {
		return func(h *history.History) { *eventsOf(h, watch) = slices.Delete(*eventsOf(h, watch), event, event+1) }
	}
	insert := func(watch, at int, event history.Event) func(*history.History) {
		return func(h *history.History) { *eventsOf(h, watch) = slices.Insert(*eventsOf(h, watch), at, event) }
	}
	operations := func(o ...history.Operation) func(*history.History) {
		return func(h *history.History) { h.Operations = append(h.Operations, o...) }
	}
	for _, test := range []struct {
		fault, promise string
		inject         func(*history.History)
		says           string
	}{
		{"two events change places", "ordered", func(h *history.History) { e := *eventsOf(h, full); e[1], e[2] = e[2], e[1] }, "ADDED db (b) at 12 after 13"},
		{"an event is older than the requested version", "ordered", insert(resumed, 0, added(object("db", 12-1, "b"))), "at 11 after 12"},
		{"a bookmark goes back", "ordered", insert(full, 6, bookmark(12)), "bookmark at 12 after 15"},
		{"an initial event is newer than their end", "ordered", func(h *history.History) { (*eventsOf(h, initial))[0].Object.Version = 13 }, "is newer than their end"},
		{"a list goes back", "ordered", func(h *history.History) { h.Lists[0].Version = 15 }, "list of containers at 13 after one at 15"},
		{"a list has an object that is newer than itself", "ordered", func(h *history.History) { h.Lists[1].Objects[0].Version = 14 }, "has db at 14"},
		{"an event is repeated", "unique", insert(full, 2, events()[1]), "two changes at 12"},
		{"an object is modified to what it was", "unique", insert(full, 6, modified(object("web", 16, "a"))), "changes nothing since 15"},
		{"one version is two changes", "unique", func(h *history.History) { (*eventsOf(h, resumed))[0].Object.Digest = "c" }, "which another client was shown as"},
		{"an object is twice among the initial events", "unique", insert(initial, 0, added(object("web", 11, "a"))), "twice among the initial events"},
		{"an event is lost", "reliable", drop(full, 2), "missed MODIFIED web (b) at 13"},
		{"an event that no other client saw is lost", "reliable", func(h *history.History) { h.Watches = h.Watches[:1]; drop(full, 1)(h) }, "DELETED db (b) at 14, although the object existed before: false"},
		{"an object is replaced without being deleted", "reliable", func(h *history.History) { h.Watches = h.Watches[:1]; (*eventsOf(h, full))[2].Object.UID = "another" }, "with the UID of another object"},
		{"a list lacks an object", "reliable", func(h *history.History) { h.Lists[1].Objects = h.Lists[1].Objects[:1] }, `differs from the state after all changes in ["web"]`},
		{"a list has an object that is gone", "reliable", func(h *history.History) { h.Lists[1].Version = 14 }, `differs from the state after all changes in ["db"]`},
		{"a list has an old object", "reliable", func(h *history.History) { h.Lists[1].Objects[1] = object("web", 11, "a") }, `differs from the state after all changes in ["web"]`},
		{"a resumed watch skips a change", "resumable", drop(resumed, 0), "begins with DELETED db (b) at 14, the next change was MODIFIED web"},
		{"a version that is kept is refused", "resumable", func(h *history.History) { *eventsOf(h, resumed) = []history.Event{expired()} }, "refused after 3 changes"},
		{"a bookmark covers a change that comes after it", "bookmarkable", func(h *history.History) { e := *eventsOf(h, full); e[3].Object.Version = 14 }, "a bookmark at 14 without DELETED db"},
		{"a bookmark was not requested", "bookmarkable", insert(resumed, 3, bookmark(15)), "not asked for"},
		{"the initial events end twice", "bookmarkable", insert(initial, 3, initialEnd(12)), "an unexpected end of initial events"},
		{"the initial events do not end", "bookmarkable", drop(initial, 2), "changes before the end"},
		{"the initial events lack an object", "bookmarkable", drop(initial, 0), `differ from the state at that version in ["db"]`},
		{"an object that leaves the selector is not deleted", "filtered", drop(selecting, 1), "shows ADDED web (a) at 15 where MODIFIED web (b) at 13 must be DELETED"},
		{"an object that enters the selector is not added", "filtered", func(h *history.History) {
			*eventsOf(h, selecting) = append((*eventsOf(h, selecting))[:2], bookmark(15))
		}, "missed MODIFIED web (a) at 15 as ADDED"},
		{"an object that is not selected is shown", "filtered", insert(selecting, 1, added(object("db", 12, "b"))), "shows ADDED db"},
		{"a change within the selector comes as another kind", "filtered", func(h *history.History) { (*eventsOf(h, selecting))[2].Type = watch.Modified }, "must be ADDED"},
		{"a read is stale", "live", operations(operation("reader", history.Read, "running", 15, 16)), "no order explains"},
		{"reads go back", "live", operations(operation("writer", Start, "", 20, 30), operation("one", history.Read, "running", 21, 22), operation("other", history.Read, "exited", 23, 24)), "no order explains"},
		{"a read sees a removed object", "live", operations(operation("writer", Remove, "", 20, 21), operation("reader", history.Read, "exited", 22, 23)), "no order explains"},
		{"an impossible operation succeeds", "live", operations(operation("writer", Pause, "", 20, 21)), "no order explains"},
		{"a version of an earlier run is accepted", "monotonic", func(h *history.History) { *eventsOf(h, outdated) = nil }, "accepted, although"},
		{"a version of an earlier run is answered with events", "monotonic", func(h *history.History) { *eventsOf(h, outdated) = []history.Event{added(object("web", 30, "a"))} }, "answered with ADDED web"},
		{"a later run starts below an earlier one", "monotonic", func(h *history.History) { h.Lists[2].Objects[0].Version = 15 }, "run 2 shows version 15, but run 1 had reached 15"},
	} {
		t.Run(strings.ReplaceAll(test.fault, " ", "-"), func(t *testing.T) {
			h := good()
			test.inject(h)
			at := slices.IndexFunc(All, func(c Checker) bool { return c.Name == test.promise })
			found := All[at].Check(h).Violations
			if !slices.ContainsFunc(found, func(v string) bool { return strings.Contains(v, test.says) }) {
				t.Errorf("%s found %q, want %q", test.promise, found, test.says)
			}
		})
	}
}

func TestWhatMayHaveHappenedIsNoStaleRead(t *testing.T) {
	maybe := operation("writer", Remove, "", 20, 21)
	maybe.Outcome = history.Unknown
	h := good()
	h.Operations = append(h.Operations, maybe, operation("reader", history.Read, "exited", 22, 23), operation("reader", history.Read, history.Absent, 24, 25))
	if found := Live(h).Violations; len(found) > 0 {
		t.Errorf("%q", found)
	}
	h.Operations = append(h.Operations, operation("reader", history.Read, "exited", 26, 27))
	if len(Live(h).Violations) == 0 {
		t.Error("a removal that a reader saw is undone, and no violation is found")
	}
}

func TestANameThatIsTakenByAnotherIsLive(t *testing.T) {
	owner := func(action, value string, call, end time.Duration) history.Operation {
		return history.Operation{Client: "one", Kind: Owner, Register: "app:1", Action: action, Value: value, Call: call, Return: end, Outcome: history.Done}
	}
	h := &history.History{Operations: []history.Operation{
		owner(Set, "x", 0, 1), owner(history.Read, "x", 2, 3), owner(Set, "y", 4, 7), owner(history.Read, "x", 5, 6), owner(history.Read, "y", 8, 9),
	}}
	if found := Live(h).Violations; len(found) > 0 {
		t.Errorf("%q", found)
	}
	h.Operations = append(h.Operations, owner(history.Read, "x", 10, 11))
	if found := Live(h).Violations; len(found) != 1 || strings.Contains(found[0], "2ns to 3ns") {
		t.Errorf("%q, want one violation without needless reads", found)
	}
}

func TestEachDifferenceFromDockerIsCaught(t *testing.T) {
	want := Facts{"web": {"status": "running", "pid": "12"}, "db": {"status": "exited"}}
	for _, test := range []struct {
		got  Facts
		says []string
	}{
		{Facts{"web": {"status": "running", "pid": "12"}, "db": {"status": "exited"}}, nil},
		{Facts{"web": {"status": "running", "pid": "12"}}, []string{"client does not have db"}},
		{Facts{"web": {"status": "running", "pid": "12"}, "db": {"status": "exited"}, "old": {}}, []string{"client has old, Docker does not"}},
		{Facts{"web": {"status": "paused", "pid": "12"}, "db": {"status": "exited", "error": "x"}},
			[]string{`client: db: error is "x", Docker has ""`, `client: web: status is "paused", Docker has "running"`}},
	} {
		result := Converging("client", test.got, want)
		if !slices.Equal(result.Violations, test.says) || result.Checks == 0 {
			t.Errorf("%v: %q, want %q", test.got, result.Violations, test.says)
		}
	}
}
