// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// sinceOf returns the time of a condition's last transition.
func sinceOf(t *testing.T, c *v1alpha1.Container, kind string) time.Time {
	t.Helper()
	found := meta.FindStatusCondition(c.Status.Conditions, kind)
	if found == nil {
		t.Fatalf("no condition %s in %+v", kind, c.Status)
	}
	return found.LastTransitionTime.Time
}

func TestAConditionHasTheTimeAtWhichItsChangeWasSeen(t *testing.T) {
	e, engine := answering(t)
	started := seconds(t, startedAt).Time
	clock := clocktesting.NewFakeClock(started)
	e.Containers().clock = clock
	state := &container.State{Status: "running", StartedAt: startedAt, FinishedAt: never, Health: &container.Health{Status: "starting"}}
	since := map[string]time.Time{"Running": started, "Paused": started, "Restarting": started, "OOMKilled": started,
		"Dead": seconds(t, createdAt).Time, "Healthy": started}
	for minute, step := range []struct {
		what    string
		change  func(*container.State)
		changed []string // the conditions whose change the server sees now
		running string   // when Running changed, as Docker says
	}{
		{"first", func(*container.State) {}, nil, ""},
		{"healthy", func(s *container.State) { s.Health.Status = "healthy" }, []string{"Healthy"}, ""},
		{"probed", func(s *container.State) { s.Health.Log = []*container.HealthcheckResult{{Output: "ok"}} }, nil, ""},
		{"paused", func(s *container.State) { s.Status = "paused" }, []string{"Paused"}, ""},
		{"still paused", func(s *container.State) { s.Health.Status = "unhealthy" }, []string{"Healthy"}, ""},
		{"starting is not healthy either", func(s *container.State) { s.Health.Status = "starting" }, nil, ""},
		{"unpaused", func(s *container.State) { s.Status = "running" }, []string{"Paused"}, ""},
		{"killed", func(s *container.State) {
			s.Status, s.OOMKilled, s.FinishedAt = "restarting", true, "2026-01-02T03:12:00.5Z"
		},
			[]string{"OOMKilled", "Restarting"}, "2026-01-02T03:12:00Z"},
		{"started again", func(s *container.State) {
			s.Status, s.OOMKilled, s.StartedAt = "running", false, "2026-01-02T03:13:00.5Z"
		},
			[]string{"OOMKilled", "Restarting"}, "2026-01-02T03:13:00Z"},
		{"restarted", func(s *container.State) {
			s.FinishedAt, s.StartedAt = "2026-01-02T03:14:00.5Z", "2026-01-02T03:14:01.5Z"
		},
			nil, "2026-01-02T03:14:01Z"},
		{"dead", func(s *container.State) { s.Status, s.Dead, s.FinishedAt = "dead", true, "2026-01-02T03:15:00.5Z" },
			[]string{"Dead"}, "2026-01-02T03:15:00Z"},
	} {
		now := started.Add(time.Duration(minute)*time.Minute + 999*time.Millisecond)
		clock.SetTime(now)
		step.change(state)
		answer, err := json.Marshal(inspected(func(r *container.InspectResponse) { r.State = state }))
		must(t, err)
		engine.body = answer
		first, _, err := e.Containers().Observe(t.Context(), idA)
		must(t, err)
		for _, kind := range step.changed {
			since[kind] = now.Truncate(time.Second)
		}
		if step.running != "" {
			since["Running"] = seconds(t, step.running).Time
		}
		for kind, want := range since {
			if got := sinceOf(t, first["engine/web"].(*v1alpha1.Container), kind); !got.Equal(want) {
				t.Errorf("%s: %s since %s, want %s", step.what, kind, got, want)
			}
		}
		clock.SetTime(now.Add(30 * time.Second))
		if again, _, err := e.Containers().Observe(t.Context(), idA); err != nil || !reflect.DeepEqual(first, again) {
			t.Errorf("%s: %+v is not %+v, %v", step.what, again, first, err)
		}
	}
}

func TestNoConditionIsOlderThanDockerAllows(t *testing.T) {
	ahead := seconds(t, "2026-01-02T03:20:00Z") // the engine's clock is ahead
	now := metav1.Time{Time: seconds(t, startedAt).Time}
	before := []metav1.Condition{condition(v1alpha1.ContainerPaused, false, "NotPaused", "", now)}
	after := []metav1.Condition{condition(v1alpha1.ContainerPaused, true, "Paused", "", *ahead)}
	keepTransitions(after, before, now)
	if !after[0].LastTransitionTime.Equal(ahead) {
		t.Errorf("%+v", after[0])
	}
}

func TestAPauseFromOutsideHasItsTime(t *testing.T) {
	name := engine.UniqueName("pause")
	id := shared.Run(t, name) // before the server connects, so that it never sees the container without a start time
	clock := clocktesting.NewFakeClock(time.Now().Add(time.Hour).Truncate(time.Second))
	x := connectTo(t, shared.Host(), func(e *Engine) { e.Containers().clock = clock })
	x.awaitConnection(t)
	first := x.container(t, name)
	if got := sinceOf(t, first, "Paused"); !got.Equal(first.Status.StartedAt.Time) {
		t.Errorf("not paused since %s, and started at %s", got, first.Status.StartedAt)
	}
	for i, change := range []func() error{
		func() error { return x.docker.ContainerPause(t.Context(), id) },
		func() error { return x.docker.ContainerUnpause(t.Context(), id) },
		func() error { return x.docker.ContainerPause(t.Context(), id) },
	} {
		now := clock.Now().Add(time.Minute)
		clock.SetTime(now)
		must(t, change())
		c := x.container(t, name)
		if isPaused := meta.IsStatusConditionTrue(c.Status.Conditions, "Paused"); isPaused != (i%2 == 0) {
			t.Errorf("change %d: paused is %t", i, isPaused)
		}
		if got := sinceOf(t, c, "Paused"); !got.Equal(now) {
			t.Errorf("change %d: since %s, want %s", i, got, now)
		}
		if got := sinceOf(t, c, "Running"); !got.Equal(first.Status.StartedAt.Time) {
			t.Errorf("change %d: running since %s, and started at %s", i, got, first.Status.StartedAt)
		}
	}
	after := connect(t).container(t, name) // a server that starts now
	if got := sinceOf(t, after, "Paused"); !got.Equal(first.Status.StartedAt.Time) || !meta.IsStatusConditionTrue(after.Status.Conditions, "Paused") {
		t.Errorf("after a restart of the server, the container is paused since %s: %+v", got, after.Status.Conditions)
	}
}

func TestATagHasTheTimeAtWhichItWasSeen(t *testing.T) {
	e, engine := answering(t)
	clock := clocktesting.NewFakePassiveClock(seconds(t, finishedAt).Time)
	e.Images().clock = clock
	close(e.connected) // each kind was tried, and images could not be read
	created := seconds(t, createdAt).Time
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
		{"no tag", nil, "sha256:" + idA},
	} {
		clock.SetTime(clock.Now().Add(time.Minute))
		answer, err := json.Marshal(imageResponse(step.tags...))
		must(t, err)
		engine.body = answer
		if step.seen != "" {
			want[step.seen] = clock.Now()
		}
		objects, _, err := e.Images().Observe(t.Context(), "sha256:"+idA)
		must(t, err)
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

	e, engine = answering(t)
	e.Images().clock = clock
	for _, k := range e.kinds {
		if k.resource == imageResource {
			e.engines.tried(k, true, nil)
		}
	}
	answer, err := json.Marshal(imageResponse("a:1"))
	must(t, err)
	engine.body = answer
	objects, _, err := e.Images().Observe(t.Context(), "sha256:"+idA)
	must(t, err)
	if got := objects["engine/a:1"].(*v1alpha1.Image).Status.Conditions[0].LastTransitionTime; !got.Equal(&metav1.Time{Time: clock.Now()}) {
		t.Errorf("an image that was made while the server ran is tagged since %s, want %s", got, clock.Now())
	}
}
