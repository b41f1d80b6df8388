// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package source_test

import (
	"slices"
	"testing"

	"github.com/docker/docker/api/types/events"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

func TestARemovalThatAListShowsBeforeItsEventLeadsToWhatTheContainerHad(t *testing.T) {
	engine, answers := sourcetest.New(t)
	usage := source.NewUsage(engine.Client, func(user source.User) (names []string) {
		for _, m := range user.Mounts {
			names = append(names, m.Name)
		}
		return names
	})
	answers.Body = []byte(`[{"Id": "` + dockertest.IDA + `", "Mounts": [{"Type": "volume", "Name": "data"}]}]`)
	usage.Read(t.Context())
	if inUse := usage.InUse(t.Context(), "data"); inUse == nil || !*inUse {
		t.Fatal("the volume is not in use")
	}
	answers.Body = []byte(`[]`)
	usage.Read(t.Context())

	removal := source.Event{Type: events.ContainerEventType, Action: events.ActionDestroy}
	removal.Actor.ID = dockertest.IDA
	subject, ok := usage.Hear(removal)
	if !ok {
		t.Fatal("the removal makes nothing dirty")
	}
	for _, want := range [][]string{{"data"}, nil} {
		if had, _, err := usage.Observe(t.Context(), subject); err != nil || !slices.Equal(had, want) {
			t.Errorf("the removal leads to %q, %v; want %q", had, err, want)
		}
	}
}
