// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"slices"
	"testing"

	"github.com/docker/docker/api/types/events"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

func TestATagLeadsToTheImageThatHasGotItAndToItsFormerOwner(t *testing.T) {
	image := "sha256:" + dockertest.IDA
	for name, want := range map[string]string{
		"busybox:v1":                 "move of busybox:v1 " + image,
		"docker.io/library/busybox":  "move of busybox:latest " + image,
		"what a label says, perhaps": image,
		image:                        image,
		"":                           image,
	} {
		var sink sourcetest.Sink
		s := New(source.Engine{}, nil)
		s.SetSink(&sink)
		event := source.Event{Type: events.ImageEventType, Action: events.ActionTag}
		event.Actor.ID, event.Actor.Attributes.Name = image, name
		s.Hear(event)
		if !slices.Equal(sink.Marked, []string{want}) {
			t.Errorf("%q: %v, want %v", name, sink.Marked, want)
		}
	}
}
