// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

func TestWhoWaitsForItsTurnInVainChangesNothing(t *testing.T) {
	engine, answers := sourcetest.New(t)
	s := New(engine)
	s.SetSink(&sourcetest.Sink{})
	before := len(answers.Asked())
	unlock, err := s.locks.Lock(t.Context(), dockertest.IDA)
	dockertest.Must(t, err)
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	running := &v1alpha1.Container{Spec: v1alpha1.ContainerSpec{State: v1alpha1.ContainerStateRunning}}
	if err := s.Update(ctx, dockertest.IDA, &v1alpha1.Container{}, running); dockertest.Code(err) != 504 {
		t.Errorf("%v", err)
	}
	if asked := answers.Asked()[before:]; len(asked) > 0 {
		t.Errorf("the engine was asked to %q", asked)
	}
}

func TestWhatIsRememberedOfAContainerGoesWithIt(t *testing.T) {
	engine, answers := sourcetest.New(t)
	s := New(engine)
	answers.Body = sourcetest.Encode(t, sourcetest.Container(nil))
	if objects, _, err := s.Observe(t.Context(), dockertest.IDA); len(objects) != 1 || err != nil {
		t.Fatalf("%v, %v", objects, err)
	}
	answers.ByPath = map[string][]byte{}
	if objects, _, err := s.Observe(t.Context(), dockertest.IDA); len(objects) != 0 || err != nil {
		t.Fatalf("%v, %v", objects, err)
	}
	if len(s.overlays.byID) > 0 {
		t.Errorf("still remembered: %v", s.overlays.byID)
	}
}
