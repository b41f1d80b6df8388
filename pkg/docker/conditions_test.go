// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

func TestAPauseFromOutsideHasItsTime(t *testing.T) {
	name := engine.UniqueName("pause")
	id := shared.Run(t, name) // before the server connects, so that it never sees the container without a start time
	clock := clocktesting.NewFakeClock(time.Now().Add(time.Hour).Truncate(time.Second))
	x := connectTo(t, shared.Host(), func(e *Engine) { e.Containers().Clock = clock })
	x.awaitConnection(t)
	first := x.container(t, name)
	if got := dockertest.Since(t, first.Status.Conditions, "Paused"); !got.Equal(first.Status.StartedAt.Time) {
		t.Errorf("not paused since %s, and started at %s", got, first.Status.StartedAt)
	}
	for i, change := range []func() error{
		func() error { return x.docker.ContainerPause(t.Context(), id) },
		func() error { return x.docker.ContainerUnpause(t.Context(), id) },
		func() error { return x.docker.ContainerPause(t.Context(), id) },
	} {
		now := clock.Now().Add(time.Minute)
		clock.SetTime(now)
		dockertest.Must(t, change())
		c := x.container(t, name)
		if isPaused := meta.IsStatusConditionTrue(c.Status.Conditions, "Paused"); isPaused != (i%2 == 0) {
			t.Errorf("change %d: paused is %t", i, isPaused)
		}
		if got := dockertest.Since(t, c.Status.Conditions, "Paused"); !got.Equal(now) {
			t.Errorf("change %d: since %s, want %s", i, got, now)
		}
		if got := dockertest.Since(t, c.Status.Conditions, "Running"); !got.Equal(first.Status.StartedAt.Time) {
			t.Errorf("change %d: running since %s, and started at %s", i, got, first.Status.StartedAt)
		}
	}
	after := connect(t).container(t, name) // a server that starts now
	if got := dockertest.Since(t, after.Status.Conditions, "Paused"); !got.Equal(first.Status.StartedAt.Time) || !meta.IsStatusConditionTrue(after.Status.Conditions, "Paused") {
		t.Errorf("after a restart of the server, the container is paused since %s: %+v", got, after.Status.Conditions)
	}
}
