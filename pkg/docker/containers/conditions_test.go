// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

func TestNoConditionIsOlderThanDockerAllows(t *testing.T) {
	ahead := seconds(t, "2026-01-02T03:20:00Z") // the engine's clock is ahead
	now := metav1.Time{Time: seconds(t, dockertest.StartedAt).Time}
	before := []metav1.Condition{source.Condition(v1alpha1.ContainerPaused, false, "NotPaused", "", now)}
	after := []metav1.Condition{source.Condition(v1alpha1.ContainerPaused, true, "Paused", "", *ahead)}
	keepTransitions(after, before, now)
	if !after[0].LastTransitionTime.Equal(ahead) {
		t.Errorf("%+v", after[0])
	}
}

func TestAConditionHasTheTimeAtWhichItsChangeWasSeen(t *testing.T) {
	engine, answers := sourcetest.New(t)
	s := New(engine)
	started := seconds(t, dockertest.StartedAt).Time
	clock := clocktesting.NewFakeClock(started)
	s.Clock = clock
	state := &container.State{Status: "running", StartedAt: dockertest.StartedAt, FinishedAt: dockertest.Never, Health: &container.Health{Status: "starting"}}
	since := map[string]time.Time{"Running": started, "Paused": started, "Restarting": started, "OOMKilled": started,
		"Dead": seconds(t, dockertest.CreatedAt).Time, "Healthy": started}
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
		answer, err := json.Marshal(sourcetest.Container(func(r *container.InspectResponse) { r.State = state }))
		dockertest.Must(t, err)
		answers.Body = answer
		first, _, err := s.Observe(t.Context(), dockertest.IDA)
		dockertest.Must(t, err)
		for _, kind := range step.changed {
			since[kind] = now.Truncate(time.Second)
		}
		if step.running != "" {
			since["Running"] = seconds(t, step.running).Time
		}
		for kind, want := range since {
			if got := dockertest.Since(t, first["engine/web"].(*v1alpha1.Container).Status.Conditions, kind); !got.Equal(want) {
				t.Errorf("%s: %s since %s, want %s", step.what, kind, got, want)
			}
		}
		clock.SetTime(now.Add(30 * time.Second))
		if again, _, err := s.Observe(t.Context(), dockertest.IDA); err != nil || !reflect.DeepEqual(first, again) {
			t.Errorf("%s: %+v is not %+v, %v", step.what, again, first, err)
		}
	}
}
