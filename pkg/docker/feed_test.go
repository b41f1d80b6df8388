// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/docker/docker/api/types/events"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

// line returns one event as Docker writes it. Its attributes include labels that try to change the event.
func line(kind events.Type, action, id string, nano int) []byte {
	return fmt.Appendf(nil, `{"status":%q,"id":%q,"Type":%q,"Action":%q,"Actor":{"ID":%q,"Attributes":{"Type":"volume","ID":"x","Action":"destroy"}},"scope":"local","time":1,"timeNano":%d}`,
		action, id, kind, action, id, nano)
}

// recording returns an engine that was never connected to, and what its kinds mark, by resource.
func recording(t *testing.T) (*Engine, map[string]*sourcetest.Sink) {
	t.Helper()
	e, err := NewEngine(Options{Host: "unix:///nowhere/docker.sock", Namespace: "engine"})
	dockertest.Must(t, err)
	sinks := map[string]*sourcetest.Sink{}
	for _, k := range e.kinds {
		sinks[k.Resource] = &sourcetest.Sink{}
		k.source.SetSink(sinks[k.Resource])
	}
	return e, sinks
}

func TestWhatEachEventMakesDirty(t *testing.T) {
	image := "sha256:" + dockertest.IDA
	cameOrWent := map[string]string{"containers": dockertest.IDA, "images": "container " + dockertest.IDA, "volumes": "container " + dockertest.IDA}
	for _, test := range []struct {
		kind   events.Type
		action string
		id     string
		want   map[string]string // what is marked, by resource
	}{
		{"container", "create", dockertest.IDA, cameOrWent},
		{"container", "start", dockertest.IDA, map[string]string{"containers": dockertest.IDA}},
		{"container", "die", dockertest.IDA, map[string]string{"containers": dockertest.IDA}},
		{"container", "stop", dockertest.IDA, map[string]string{"containers": dockertest.IDA}},
		{"container", "restart", dockertest.IDA, map[string]string{"containers": dockertest.IDA}},
		{"container", "pause", dockertest.IDA, map[string]string{"containers": dockertest.IDA}},
		{"container", "unpause", dockertest.IDA, map[string]string{"containers": dockertest.IDA}},
		{"container", "rename", dockertest.IDA, map[string]string{"containers": dockertest.IDA}},
		{"container", "update", dockertest.IDA, map[string]string{"containers": dockertest.IDA}},
		{"container", "oom", dockertest.IDA, map[string]string{"containers": dockertest.IDA}},
		{"container", "destroy", dockertest.IDA, cameOrWent},
		{"container", "health_status: healthy", dockertest.IDA, map[string]string{"containers": dockertest.IDA}},
		{"container", "something new", dockertest.IDA, map[string]string{"containers": dockertest.IDA}},
		{"container", "exec_create: /bin/true ", dockertest.IDA, nil},
		{"container", "exec_start: sh -c 'a: b'", dockertest.IDA, nil},
		{"container", "exec_die", dockertest.IDA, nil},
		{"container", "attach", dockertest.IDA, nil},
		{"container", "top", dockertest.IDA, nil},
		{"container", "resize", dockertest.IDA, nil},
		{"container", "kill", dockertest.IDA, nil},
		{"container", "commit", dockertest.IDA, map[string]string{"images": sourcetest.All}},
		{"container", "prune", "", map[string]string{"containers": sourcetest.All}},
		{"container", "start", "../x", map[string]string{"containers": sourcetest.All}},
		{"image", "tag", image, map[string]string{"images": image}},
		{"image", "import", image, map[string]string{"images": image}},
		{"image", "load", image, map[string]string{"images": image}},
		{"image", "create", image, map[string]string{"images": image}},
		{"image", "delete", image, map[string]string{"images": image}},
		{"image", "untag", image, map[string]string{"images": image}},
		{"image", "untag", "busybox:latest", map[string]string{"images": "busybox:latest"}},
		{"image", "pull", "docker.io/library/busybox", map[string]string{"images": "busybox:latest"}},
		{"image", "pull", "busybox@sha256:" + dockertest.IDB, map[string]string{"images": "busybox@sha256:" + dockertest.IDB}},
		{"image", "push", "busybox:latest", nil},
		{"image", "save", image, nil},
		{"image", "prune", "", map[string]string{"images": sourcetest.All}},
		{"image", "pull", dockertest.IDA, map[string]string{"images": image}},
		{"image", "pull", "../x", map[string]string{"images": sourcetest.All}},
		{"volume", "create", "data", map[string]string{"volumes": "1/data"}},
		{"volume", "destroy", "data", map[string]string{"volumes": "1/data"}},
		{"volume", "mount", "data", nil},
		{"volume", "unmount", "data", nil},
		{"volume", "prune", "", map[string]string{"volumes": sourcetest.All}},
		{"volume", "create", "../x", map[string]string{"volumes": "1/../x"}},
		{"volume", "create", "vol@store", map[string]string{"volumes": "1/vol@store"}},
		{"network", "connect", dockertest.IDA, map[string]string{"networks": dockertest.IDA}},
		{"network", "destroy", dockertest.IDA, map[string]string{"networks": dockertest.IDA}},
		{"network", "prune", "", map[string]string{"networks": sourcetest.All}},
		{"daemon", "reload", "x", nil},
		{"builder", "prune", "", nil},
	} {
		e, sinks := recording(t)
		if err := newFeed(e.hear).streamed(line(test.kind, test.action, test.id, 1)); err != nil {
			t.Fatal(err)
		}
		for resource, sink := range sinks {
			var want []string
			if subject, ok := test.want[resource]; ok {
				want = []string{subject}
			}
			if !slices.Equal(sink.Marked, want) {
				t.Errorf("%s %s of %.20q marks %q of %s, want %q", test.kind, test.action, test.id, sink.Marked, resource, want)
			}
		}
	}
}

// scripted returns a feed, and the names of the volumes whose events it applies.
func scripted() (*feed, *[]string) {
	var got []string
	return newFeed(func(ev source.Event) { got = append(got, ev.Actor.ID) }), &got
}

func volumeEvents(from, to int) [][]byte {
	var lines [][]byte
	for i := from; i < to; i++ {
		lines = append(lines, line("volume", "create", nameOf(i), i))
	}
	return lines
}

// nameOf returns the name of volume i.
func nameOf(i int) string { return fmt.Sprintf("v%d", i) }

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

func TestAnEventIsAppliedOnceWhoeverShowsItFirst(t *testing.T) {
	f, got := scripted()
	lines := volumeEvents(0, 4)
	mustStream(t, f, lines[0], lines[1])
	if mustLog(t, f, lines...) != nil {
		t.Error("the fence waits although the log has lost nothing")
	}
	mustStream(t, f, lines[3], lines[2])
	mustLog(t, f, lines...)
	want := []string{nameOf(0), nameOf(1), nameOf(2), nameOf(3)}
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
	lines := volumeEvents(0, 300)
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
	lines := volumeEvents(0, 300)
	mustStream(t, f, lines[:100]...)
	if mustLog(t, f, lines[44:]...) != nil {
		t.Error("the fence waits although the log overlaps the stream")
	}
}

func TestAWrappedLogThatTheStreamHasOvertakenDoesNotWait(t *testing.T) {
	f, got := scripted()
	lines := volumeEvents(0, 300)
	mustStream(t, f, lines...)
	*got = nil
	if mustLog(t, f, lines[44:]...) != nil || len(*got) != 0 {
		t.Errorf("known events are applied again: %v", *got)
	}
}

func TestOldEventsAreForgottenAndTheMemoryIsBounded(t *testing.T) {
	f, got := scripted()
	mustStream(t, f, volumeEvents(0, 3*remembered)...)
	if len(f.tallies) != remembered || len(f.order) != remembered {
		t.Errorf("%d events are remembered", len(f.tallies))
	}
	*got = nil
	mustLog(t, f, volumeEvents(3*remembered-256, 3*remembered)...)
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
