// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"encoding/json"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

func TestATagHasTheTimeAtWhichItWasSeen(t *testing.T) {
	engine, answers := sourcetest.New(t)
	hasRead := false
	s := New(engine, func() bool { return hasRead })
	clock := clocktesting.NewFakePassiveClock(source.TimeOf(dockertest.FinishedAt).Time)
	s.clock = clock
	created := source.TimeOf(dockertest.CreatedAt).Time
	want := map[string]time.Time{}
	for _, step := range []struct {
		what string
		tags []string
		seen string // the Image whose condition changes now
	}{
		{"the first look of the server", []string{"a:1"}, ""},
		{"another tag", []string{"a:1", "b:1"}, "b:1"},
		{"one tag less", []string{"b:1"}, ""},
		{"the tag is back", []string{"a:1", "b:1"}, "a:1"},
		{"no tag", nil, "sha256:" + dockertest.IDA},
	} {
		clock.SetTime(clock.Now().Add(time.Minute))
		answer, err := json.Marshal(sourcetest.Image(step.tags...))
		dockertest.Must(t, err)
		answers.Body = answer
		if step.seen != "" {
			want[step.seen] = clock.Now()
		}
		objects, _, err := s.Observe(t.Context(), "sha256:"+dockertest.IDA)
		dockertest.Must(t, err)
		if len(objects) != max(1, len(step.tags)) {
			t.Errorf("%s: the image shows as %v", step.what, objects)
		}
		for _, object := range objects {
			image := object.(*v1alpha1.Image)
			since, ok := want[image.Name]
			if !ok {
				since = created
			}
			if got := image.Status.Conditions[0].LastTransitionTime; !got.Equal(&metav1.Time{Time: since}) {
				t.Errorf("%s: %s since %s, want %s", step.what, image.Name, got, since)
			}
		}
	}

	hasRead = true
	s = New(engine, s.hasRead)
	s.clock = clock
	answer, err := json.Marshal(sourcetest.Image("a:1"))
	dockertest.Must(t, err)
	answers.Body = answer
	objects, _, err := s.Observe(t.Context(), "sha256:"+dockertest.IDA)
	dockertest.Must(t, err)
	if got := objects["engine/a:1"].(*v1alpha1.Image).Status.Conditions[0].LastTransitionTime; !got.Equal(&metav1.Time{Time: clock.Now()}) {
		t.Errorf("an image that was made while the server ran is tagged since %s, want %s", got, clock.Now())
	}
}
