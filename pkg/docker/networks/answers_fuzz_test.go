// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package networks

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/network"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

// FuzzNetworkAnswer promises that a network shows as one object, whatever Docker's answer says, if the answer is about it.
func FuzzNetworkAnswer(f *testing.F) {
	f.Add(sourcetest.Encode(f, network.Inspect{ID: dockertest.IDA, Name: "back", Driver: "bridge", Created: time.Unix(1, 0), Labels: map[string]string{"a": "b"},
		IPAM: network.IPAM{Config: []network.IPAMConfig{{Subnet: "10.0.0.0/24"}}}, Containers: map[string]network.EndpointResource{dockertest.IDB: {Name: "web"}}}))
	for _, text := range []string{`null`, `{}`, `[]`, `[{"Id":"` + dockertest.IDA + `"},{"Id":"x"},{}]`, `{"Id":"` + dockertest.IDA + `"}`, `{"Id":"` + dockertest.IDB + `","Name":"back"}`,
		`{"Id":"` + dockertest.IDA + `","Name":"../back","Created":"9999-12-31T23:59:59-23:59","Labels":{"":"x"},"Options":{"":""},"Containers":{"":{},"a":{"Name":"b/c"}},"IPAM":{"Config":[{},{"Subnet":"?"}]}}`,
		`{"Id":"` + dockertest.IDA + `","Name":"` + "\xff" + `"}0`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		engine, answers := sourcetest.New(t)
		s := New(engine)
		s.SetSink(&sourcetest.Sink{})
		answers.Body = answer
		objects := sourcetest.Observe(t, s, dockertest.IDA)
		var response network.Inspect
		isAbout := json.NewDecoder(bytes.NewReader(answer)).Decode(&response) == nil && response.ID == dockertest.IDA
		if isAbout != (len(objects) == 1) {
			t.Errorf("shows as %q", sourcetest.Keys(objects))
		}
	})
}

func TestOnlyTheNetworksThatAnEventMayChangeAreMarked(t *testing.T) {
	for what, test := range map[string]struct {
		kind   events.Type
		action events.Action
		id     string
		want   []string
	}{
		"create":                 {events.NetworkEventType, events.ActionCreate, dockertest.IDA, []string{dockertest.IDA}},
		"create in a swarm":      {events.NetworkEventType, events.ActionCreate, "t5ch4nazcpwvtm2rqm0edgbyd", []string{"t5ch4nazcpwvtm2rqm0edgbyd"}},
		"connect":                {events.NetworkEventType, events.ActionConnect, dockertest.IDA, []string{dockertest.IDA}},
		"disconnect":             {events.NetworkEventType, events.ActionDisconnect, dockertest.IDA, []string{dockertest.IDA}},
		"update":                 {events.NetworkEventType, events.ActionUpdate, dockertest.IDA, []string{dockertest.IDA}},
		"remove":                 {events.NetworkEventType, events.ActionRemove, dockertest.IDA, []string{dockertest.IDA}},
		"destroy":                {events.NetworkEventType, events.ActionDestroy, dockertest.IDA, []string{dockertest.IDA}},
		"prune":                  {events.NetworkEventType, events.ActionPrune, "", []string{sourcetest.All}},
		"no ID":                  {events.NetworkEventType, events.ActionCreate, "back", []string{sourcetest.All}},
		"rename of a container":  {events.ContainerEventType, events.ActionRename, dockertest.IDB, []string{"t5ch4nazcpwvtm2rqm0edgbye"}},
		"another of a container": {events.ContainerEventType, events.ActionStart, dockertest.IDB, nil},
		"a volume":               {events.VolumeEventType, events.ActionCreate, dockertest.IDA, nil},
	} {
		var sink sourcetest.Sink
		s := New(source.Engine{})
		s.SetSink(&sink)
		s.known.heard("t5ch4nazcpwvtm2rqm0edgbye")
		event := source.Event{Type: test.kind, Action: test.action}
		event.Actor.ID = test.id
		s.Hear(event)
		if len(sink.Marked) != len(test.want) || len(test.want) == 1 && sink.Marked[0] != test.want[0] {
			t.Errorf("%s: marked are %q, want %q", what, sink.Marked, test.want)
		}
	}
}

func TestTheRemovalOfTheOldestMarksTheNetworkThatGetsItsName(t *testing.T) {
	var sink sourcetest.Sink
	s := New(source.Engine{})
	s.SetSink(&sink)
	s.known.learn(dockertest.IDA, "x", epoch, s.known.now())
	s.known.learn(dockertest.IDB, "x", epoch.Add(1), s.known.now())
	event := source.Event{Type: events.NetworkEventType, Action: events.ActionDestroy}
	event.Actor.ID = dockertest.IDA
	s.Hear(event)
	if len(sink.Marked) != 2 || sink.Marked[0] != dockertest.IDB || sink.Marked[1] != dockertest.IDA {
		t.Errorf("marked are %q", sink.Marked)
	}
}
