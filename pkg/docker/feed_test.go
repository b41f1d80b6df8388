// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/docker/docker/api/types/events"
)

// line is one event as Docker writes it. Labels of a container are among its attributes.
func line(kind events.Type, action, id string, nano int) []byte {
	return fmt.Appendf(nil, `{"status":%q,"id":%q,"Type":%q,"Action":%q,"Actor":{"ID":%q,"Attributes":{"Type":"volume","ID":"x","Action":"destroy"}},"scope":"local","time":1,"timeNano":%d}`,
		action, id, kind, action, id, nano)
}

func TestWhatEachEventMakesDirty(t *testing.T) {
	image := "sha256:" + idA
	for _, test := range []struct {
		kind   events.Type
		action string
		id     string
		want   []mark
	}{
		{"container", "create", idA, []mark{{"container", idA}}},
		{"container", "start", idA, []mark{{"container", idA}}},
		{"container", "die", idA, []mark{{"container", idA}}},
		{"container", "stop", idA, []mark{{"container", idA}}},
		{"container", "restart", idA, []mark{{"container", idA}}},
		{"container", "pause", idA, []mark{{"container", idA}}},
		{"container", "unpause", idA, []mark{{"container", idA}}},
		{"container", "rename", idA, []mark{{"container", idA}}},
		{"container", "update", idA, []mark{{"container", idA}}},
		{"container", "oom", idA, []mark{{"container", idA}}},
		{"container", "destroy", idA, []mark{{"container", idA}}},
		{"container", "health_status: healthy", idA, []mark{{"container", idA}}},
		{"container", "something new", idA, []mark{{"container", idA}}},
		{"container", "exec_create: /bin/true ", idA, nil},
		{"container", "exec_start: sh -c 'a: b'", idA, nil},
		{"container", "exec_die", idA, nil},
		{"container", "attach", idA, nil},
		{"container", "top", idA, nil},
		{"container", "resize", idA, nil},
		{"container", "kill", idA, []mark{{signalKind, idA}}},
		{"container", "commit", idA, []mark{{"image", ""}}},
		{"container", "prune", "", []mark{{"container", ""}}},
		{"container", "start", "../x", []mark{{"container", ""}}},
		{"image", "tag", image, []mark{{"image", image}}},
		{"image", "import", image, []mark{{"image", image}}},
		{"image", "load", image, []mark{{"image", image}}},
		{"image", "create", image, []mark{{"image", image}}},
		{"image", "delete", image, []mark{{"image", image}}},
		{"image", "untag", image, []mark{{"image", image}}},
		{"image", "untag", "busybox:latest", []mark{{"image", "busybox:latest"}}},
		{"image", "pull", "docker.io/library/busybox", []mark{{"image", "busybox:latest"}}},
		{"image", "pull", "busybox@sha256:" + idB, []mark{{"image", "busybox@sha256:" + idB}}},
		{"image", "push", "busybox:latest", nil},
		{"image", "save", image, nil},
		{"image", "prune", "", []mark{{"image", ""}}},
		{"image", "pull", idA, []mark{{"image", image}}},
		{"image", "pull", "../x", []mark{{"image", ""}}},
		{"volume", "create", "data", []mark{{"volume", "data"}}},
		{"volume", "destroy", "data", []mark{{"volume", "data"}}},
		{"volume", "mount", "data", nil},
		{"volume", "unmount", "data", nil},
		{"volume", "prune", "", []mark{{"volume", ""}}},
		{"volume", "create", "../x", []mark{{"volume", ""}}},
		{"network", "connect", idA, nil},
		{"daemon", "reload", "x", nil},
		{"builder", "prune", "", nil},
	} {
		var got []mark
		f := newFeed(func(m mark) { got = append(got, m) })
		if err := f.streamed(line(test.kind, test.action, test.id, 1)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s %s of %.20q: %v", test.kind, test.action, test.id, got)
		}
	}
}

// scripted is a feed whose marks are kept.
func scripted() (*feed, *[]mark) {
	var got []mark
	return newFeed(func(m mark) { got = append(got, m) }), &got
}

func volumes(from, to int) [][]byte {
	var lines [][]byte
	for i := from; i < to; i++ {
		lines = append(lines, line("volume", "create", fmt.Sprintf("v%d", i), i))
	}
	return lines
}

func mustStream(t *testing.T, f *feed, lines ...[]byte) {
	t.Helper()
	for _, l := range lines {
		if err := f.streamed(l); err != nil {
			t.Fatal(err)
		}
	}
}

func mustLog(t *testing.T, f *feed, lines ...[]byte) <-chan struct{} {
	t.Helper()
	caughtUp, err := f.logged(lines)
	if err != nil {
		t.Fatal(err)
	}
	return caughtUp
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestATagLeadsToTheImageThatHasGotItAndToItsFormerOwner(t *testing.T) {
	image := "sha256:" + idA
	for name, want := range map[string][]mark{
		"busybox:v1":                 {{"image", "move of busybox:v1 " + image}},
		"docker.io/library/busybox":  {{"image", "move of busybox:latest " + image}},
		"what a label says, perhaps": {{"image", image}},
		image:                        {{"image", image}},
		"":                           {{"image", image}},
	} {
		var got []mark
		f := newFeed(func(m mark) { got = append(got, m) })
		event := fmt.Appendf(nil, `{"Type":"image","Action":"tag","Actor":{"ID":%q,"Attributes":{"name":%q}},"timeNano":1}`, image, name)
		if err := f.streamed(event); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

func TestAnEventIsAppliedOnceWhoeverShowsItFirst(t *testing.T) {
	f, got := scripted()
	lines := volumes(0, 4)
	mustStream(t, f, lines[0], lines[1])
	if mustLog(t, f, lines...) != nil {
		t.Error("a log that has lost nothing is waited for")
	}
	mustStream(t, f, lines[3], lines[2])
	mustLog(t, f, lines...)
	want := []mark{{"volume", "v0"}, {"volume", "v1"}, {"volume", "v2"}, {"volume", "v3"}}
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("%v", *got)
	}
}

func TestEventsThatLookTheSameAreAllApplied(t *testing.T) {
	f, got := scripted()
	same := line("volume", "create", "data", 7)
	mustStream(t, f, same)
	mustLog(t, f, same, same)
	mustStream(t, f, same)
	mustLog(t, f, same, same, same)
	if len(*got) != 3 {
		t.Errorf("applied %d of 3", len(*got))
	}
}

func TestAWrappedLogWaitsForTheStream(t *testing.T) {
	f, got := scripted()
	lines := volumes(0, 300)
	mustStream(t, f, lines[:10]...)
	caughtUp := mustLog(t, f, lines[44:]...)
	if caughtUp == nil {
		t.Fatal("34 events are in neither the stream nor the log, and the fence does not wait")
	}
	mustStream(t, f, lines[10:299]...)
	if isClosed(caughtUp) {
		t.Error("the wait ended before the stream had brought the last event")
	}
	mustStream(t, f, lines[299])
	if !isClosed(caughtUp) {
		t.Error("the wait goes on")
	}
	if len(*got) != 300 {
		t.Errorf("%d marks for 300 events", len(*got))
	}
}

func TestAFullLogWhoseBeginningIsKnownDoesNotWait(t *testing.T) {
	f, _ := scripted()
	lines := volumes(0, 300)
	mustStream(t, f, lines[:100]...)
	if mustLog(t, f, lines[44:]...) != nil {
		t.Error("the log overlaps what the stream has brought")
	}
}

func TestAWrappedLogThatTheStreamHasOvertakenDoesNotWait(t *testing.T) {
	f, got := scripted()
	lines := volumes(0, 300)
	mustStream(t, f, lines...)
	*got = nil
	if mustLog(t, f, lines[44:]...) != nil || len(*got) != 0 {
		t.Errorf("known events are applied again: %v", *got)
	}
}

func TestOldEventsAreForgottenAndTheMemoryIsBounded(t *testing.T) {
	f, got := scripted()
	mustStream(t, f, volumes(0, 3*remembered)...)
	if len(f.tallies) != remembered || len(f.order) != remembered {
		t.Errorf("%d events are remembered", len(f.tallies))
	}
	*got = nil
	mustLog(t, f, volumes(3*remembered-256, 3*remembered)...)
	if len(*got) != 0 {
		t.Errorf("%d of the last 256 events were forgotten", len(*got))
	}
}

func TestGarbageOnTheStreamIsAnError(t *testing.T) {
	f, _ := scripted()
	if f.streamed([]byte("<html>")) == nil {
		t.Error("no error")
	}
	if _, err := f.logged([][]byte{[]byte("{")}); err == nil {
		t.Error("no error")
	}
}
