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

// line returns one event as Docker writes it. Its attributes include labels that try to change the event.
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
		{"container", "create", idA, []mark{{kind: "container", subject: idA}}},
		{"container", "start", idA, []mark{{kind: "container", subject: idA}}},
		{"container", "die", idA, []mark{{kind: "container", subject: idA}}},
		{"container", "stop", idA, []mark{{kind: "container", subject: idA}}},
		{"container", "restart", idA, []mark{{kind: "container", subject: idA}}},
		{"container", "pause", idA, []mark{{kind: "container", subject: idA}}},
		{"container", "unpause", idA, []mark{{kind: "container", subject: idA}}},
		{"container", "rename", idA, []mark{{kind: "container", subject: idA}}},
		{"container", "update", idA, []mark{{kind: "container", subject: idA}}},
		{"container", "oom", idA, []mark{{kind: "container", subject: idA}}},
		{"container", "destroy", idA, []mark{{kind: "container", subject: idA}}},
		{"container", "health_status: healthy", idA, []mark{{kind: "container", subject: idA}}},
		{"container", "something new", idA, []mark{{kind: "container", subject: idA}}},
		{"container", "exec_create: /bin/true ", idA, nil},
		{"container", "exec_start: sh -c 'a: b'", idA, nil},
		{"container", "exec_die", idA, nil},
		{"container", "attach", idA, nil},
		{"container", "top", idA, nil},
		{"container", "resize", idA, nil},
		{"container", "kill", idA, []mark{{kind: signalKind, subject: idA}}},
		{"container", "commit", idA, []mark{{kind: "image", subject: ""}}},
		{"container", "prune", "", []mark{{kind: "container", subject: ""}}},
		{"container", "start", "../x", []mark{{kind: "container", subject: ""}}},
		{"image", "tag", image, []mark{{kind: "image", subject: image}}},
		{"image", "import", image, []mark{{kind: "image", subject: image}}},
		{"image", "load", image, []mark{{kind: "image", subject: image}}},
		{"image", "create", image, []mark{{kind: "image", subject: image}}},
		{"image", "delete", image, []mark{{kind: "image", subject: image}}},
		{"image", "untag", image, []mark{{kind: "image", subject: image}}},
		{"image", "untag", "busybox:latest", []mark{{kind: "image", subject: "busybox:latest"}}},
		{"image", "pull", "docker.io/library/busybox", []mark{{kind: "image", subject: "busybox:latest"}}},
		{"image", "pull", "busybox@sha256:" + idB, []mark{{kind: "image", subject: "busybox@sha256:" + idB}}},
		{"image", "push", "busybox:latest", nil},
		{"image", "save", image, nil},
		{"image", "prune", "", []mark{{kind: "image", subject: ""}}},
		{"image", "pull", idA, []mark{{kind: "image", subject: image}}},
		{"image", "pull", "../x", []mark{{kind: "image", subject: ""}}},
		{"volume", "create", "data", []mark{{kind: "volume", subject: "data", nano: 1}}},
		{"volume", "destroy", "data", []mark{{kind: "volume", subject: "data", isRemoval: true, nano: 1}}},
		{"volume", "mount", "data", nil},
		{"volume", "unmount", "data", nil},
		{"volume", "prune", "", []mark{{kind: "volume"}}},
		{"volume", "create", "../x", []mark{{kind: "volume", subject: "../x", nano: 1}}},
		{"volume", "create", "vol@store", []mark{{kind: "volume", subject: "vol@store", nano: 1}}},
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

// scripted returns a feed and the marks that it makes.
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

// markOf returns the mark of the event about volume i.
func markOf(i int) mark { return mark{kind: "volume", subject: fmt.Sprintf("v%d", i), nano: int64(i)} }

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
		"busybox:v1":                 {{kind: "image", subject: "move of busybox:v1 " + image}},
		"docker.io/library/busybox":  {{kind: "image", subject: "move of busybox:latest " + image}},
		"what a label says, perhaps": {{kind: "image", subject: image}},
		image:                        {{kind: "image", subject: image}},
		"":                           {{kind: "image", subject: image}},
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
		t.Error("the fence waits although the log has lost nothing")
	}
	mustStream(t, f, lines[3], lines[2])
	mustLog(t, f, lines...)
	want := []mark{markOf(0), markOf(1), markOf(2), markOf(3)}
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
		t.Errorf("%d of 3 events were applied", len(*got))
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
		t.Error("the wait has not ended")
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
		t.Error("the fence waits although the log overlaps the stream")
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
