// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/randfill"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

func seconds(t *testing.T, s string) *metav1.Time {
	t.Helper()
	parsed := source.TimeOf(s)
	if parsed == nil {
		t.Fatalf("no time: %s", s)
	}
	return parsed
}

func TestContainerShowsWhatDockerSays(t *testing.T) {
	got := containerOf(sourcetest.Container(nil), "engine", circumstances{})
	if got.Name != "web" || got.Namespace != "engine" || got.Labels["com.docker.compose.project"] != "web" {
		t.Errorf("metadata: %+v", got.ObjectMeta)
	}
	if got.CreationTimestamp.Format("2006-01-02T15:04:05Z") != "2026-01-02T01:04:05Z" {
		t.Errorf("created %s", got.CreationTimestamp)
	}
	want := v1alpha1.ContainerStatus{
		ID: dockertest.IDA, Name: "web", Namespace: "moby", Path: "httpd", Args: []string{"-f", "-v"}, Image: "sha256:" + dockertest.IDB, ImageID: "sha256:" + dockertest.IDB,
		Labels: map[string]string{"com.docker.compose.project": "web"}, Status: "running", PID: 42, RestartCount: 3,
		CreatedAt: seconds(t, dockertest.CreatedAt), StartedAt: seconds(t, dockertest.StartedAt), Conditions: got.Status.Conditions,
	}
	if !apiequality.Semantic.DeepEqual(got.Status, want) {
		t.Errorf("status: %+v", got.Status)
	}
	if got.Kind != "" || got.APIVersion != "" {
		t.Error("the type is not empty")
	}
}

func TestStatusAndStateOfEveryDockerStatus(t *testing.T) {
	for _, test := range []struct {
		docker  string
		status  v1alpha1.ContainerDockerStatus
		state   v1alpha1.ContainerState
		running string
	}{
		{"created", "created", "created", "NeverStarted"},
		{"running", "running", "running", "Started"},
		{"paused", "paused", "paused", "Paused"},
		{"pausing", "pausing", "paused", "Paused"},
		{"restarting", "restarting", "running", "Restarting"},
		{"removing", "removing", "created", "Removing"},
		{"exited", "exited", "created", "Exited"},
		{"dead", "dead", "created", "Dead"},
		{"checkpointed", "unknown", "unknown", "StatusUnknown"},
		{"", "unknown", "unknown", "StatusUnknown"},
	} {
		got := containerOf(sourcetest.Container(func(r *container.InspectResponse) { r.State.Status = test.docker }), "engine", circumstances{})
		if got.Status.Status != test.status || got.Spec.State != test.state {
			t.Errorf("%q shows as %s and %s", test.docker, got.Status.Status, got.Spec.State)
		}
		running := meta.FindStatusCondition(got.Status.Conditions, v1alpha1.ContainerRunning)
		isRunning := slices.Contains([]string{"running", "paused", "pausing"}, test.docker)
		if running.Reason != test.running || (running.Status == metav1.ConditionTrue) != isRunning {
			t.Errorf("%q: %+v", test.docker, running)
		}
	}
}

func TestConditionsAreCompleteAndValid(t *testing.T) {
	for _, status := range []string{"created", "running", "paused", "restarting", "removing", "exited", "dead", "?"} {
		for _, health := range []*container.Health{nil, {Status: "none"}, {Status: "starting"}, {Status: "healthy"}, {Status: "unhealthy"}} {
			got := containerOf(sourcetest.Container(func(r *container.InspectResponse) { r.State.Status, r.State.Health = status, health }), "engine", circumstances{})
			want := []string{"Running", "Paused", "Restarting", "OOMKilled", "Dead"}
			if got.Status.Health != "" {
				want = append(want, "Healthy")
			}
			var types []string
			for _, c := range got.Status.Conditions {
				types = append(types, c.Type)
				if c.LastTransitionTime.IsZero() || c.LastTransitionTime.Nanosecond() != 0 {
					t.Errorf("%s, %s: time %s", status, c.Type, c.LastTransitionTime)
				}
			}
			if !slices.Equal(types, want) {
				t.Errorf("%s: conditions %v", status, types)
			}
			if errs := validation.ValidateConditions(got.Status.Conditions, field.NewPath("status")); len(errs) > 0 {
				t.Errorf("%s: %v", status, errs)
			}
		}
	}
}

func TestConditionsTellWhatHappened(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*container.State)
		kind    string
		status  metav1.ConditionStatus
		reason  string
		message string
		since   string
	}{
		"failed start": {func(s *container.State) {
			*s = container.State{Status: "created", ExitCode: 127, Error: "no such file", StartedAt: dockertest.Never, FinishedAt: dockertest.Never}
		}, "Running", "False", "StartFailed", "no such file", dockertest.CreatedAt},
		"exit": {func(s *container.State) { s.Status, s.ExitCode, s.FinishedAt = "exited", 137, dockertest.FinishedAt }, "Running", "False", "Exited", "exit code 137", dockertest.FinishedAt},
		"exit with an error": {func(s *container.State) {
			s.Status, s.ExitCode, s.Error, s.FinishedAt = "exited", 1, "boom", dockertest.FinishedAt
		},
			"Running", "False", "Exited", "exit code 1: boom", dockertest.FinishedAt},
		"oom":       {func(s *container.State) { s.Status, s.OOMKilled, s.FinishedAt = "exited", true, dockertest.FinishedAt }, "OOMKilled", "True", "OutOfMemory", "", dockertest.FinishedAt},
		"dead":      {func(s *container.State) { s.Status, s.Dead, s.FinishedAt = "dead", true, dockertest.FinishedAt }, "Dead", "True", "RemovalFailed", "", dockertest.FinishedAt},
		"restarts":  {func(s *container.State) { s.Status, s.FinishedAt = "restarting", dockertest.FinishedAt }, "Restarting", "True", "RestartPolicy", "", dockertest.FinishedAt},
		"paused":    {func(s *container.State) { s.Status = "paused" }, "Paused", "True", "Paused", "", dockertest.StartedAt},
		"unhealthy": {func(s *container.State) { s.Health = &container.Health{Status: "unhealthy"} }, "Healthy", "False", "Unhealthy", "", dockertest.StartedAt},
		"healthy":   {func(s *container.State) { s.Health = &container.Health{Status: "healthy"} }, "Healthy", "True", "Healthy", "", dockertest.StartedAt},
	} {
		got := containerOf(sourcetest.Container(func(r *container.InspectResponse) { test.change(r.State) }), "engine", circumstances{})
		want := metav1.Condition{Type: test.kind, Status: test.status, Reason: test.reason, Message: test.message, LastTransitionTime: *seconds(t, test.since)}
		if c := meta.FindStatusCondition(got.Status.Conditions, test.kind); c == nil || !apiequality.Semantic.DeepEqual(*c, want) {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestTimesThatDockerDoesNotHaveAreAbsent(t *testing.T) {
	got := containerOf(sourcetest.Container(func(r *container.InspectResponse) {
		r.Created, r.State.StartedAt, r.State.FinishedAt = "", dockertest.Never, "garbage"
	}), "engine", circumstances{})
	if got.Status.CreatedAt != nil || got.Status.StartedAt != nil || got.Status.FinishedAt != nil || !got.CreationTimestamp.IsZero() {
		t.Errorf("%+v", got.Status)
	}
}

func TestPortsAreSortedAndMayHaveNoBindings(t *testing.T) {
	got := portsOf(sourcetest.Container(func(r *container.InspectResponse) {
		r.Config.ExposedPorts = nat.PortSet{"8080/tcp": {}, "53/udp": {}, "53/tcp": {}}
		r.HostConfig.PortBindings = nat.PortMap{"443/tcp": {{HostPort: "1443"}}, "80/tcp": nil}
		r.NetworkSettings.Ports = nat.PortMap{"80/tcp": {{HostIP: "::", HostPort: "8080"}, {HostIP: "0.0.0.0", HostPort: "18080"}, {HostIP: "0.0.0.0", HostPort: "8080"}}, "53/udp": nil}
	}))
	want := []v1alpha1.ContainerPort{
		{Name: "53/tcp"}, {Name: "53/udp", Active: true},
		{Name: "80/tcp", Active: true, Bindings: []v1alpha1.ContainerPortBinding{{HostIP: "0.0.0.0", HostPort: "8080"}, {HostIP: "0.0.0.0", HostPort: "18080"}, {HostIP: "::", HostPort: "8080"}}},
		{Name: "443/tcp"}, {Name: "8080/tcp"},
	}
	if !apiequality.Semantic.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestPortsAreActiveWhileTheProcessExists(t *testing.T) {
	for status, want := range map[container.ContainerState]bool{"running": true, "paused": true, "created": false, "restarting": false, "exited": false, "dead": false} {
		got := portsOf(sourcetest.Container(func(r *container.InspectResponse) {
			r.State.Status, r.NetworkSettings.Ports = status, nat.PortMap{"80/tcp": nil}
		}))
		if len(got) != 1 || got[0].Active != want {
			t.Errorf("%s: %+v", status, got)
		}
	}
}

func TestCodesAndCountsOfAnySizeAreShown(t *testing.T) {
	for _, number := range []int{0, -1, 137, 1 << 31, 3221225786, 1 << 40} {
		got := containerOf(sourcetest.Container(func(r *container.InspectResponse) {
			r.State.Status, r.State.ExitCode, r.RestartCount = "exited", number, number
		}), "engine", circumstances{})
		message := fmt.Sprintf("exit code %d", number)
		if c := meta.FindStatusCondition(got.Status.Conditions, v1alpha1.ContainerRunning); c.Message != message {
			t.Errorf("the message is %q, want %q", c.Message, message)
		}
		if got.Status.ExitCode != int64(number) || got.Status.RestartCount != int64(number) {
			t.Errorf("%d shows as %d and %d", number, got.Status.ExitCode, got.Status.RestartCount)
		}
	}
}

func TestTheSameContainerGivesTheSameObject(t *testing.T) {
	response := sourcetest.Container(func(r *container.InspectResponse) {
		r.Config.ExposedPorts = nat.PortSet{"1/tcp": {}, "2/tcp": {}, "3/tcp": {}, "4/tcp": {}}
		r.State.Health = &container.Health{Status: "healthy", FailingStreak: 0}
	})
	first := containerOf(response, "engine", circumstances{})
	for streak := range 20 {
		response.State.Health.FailingStreak = streak
		response.State.Health.Log = append(response.State.Health.Log, &container.HealthcheckResult{Output: "ok"})
		response.ExecIDs = append(response.ExecIDs, dockertest.IDB)
		if again := containerOf(response, "engine", circumstances{}); !reflect.DeepEqual(first, again) {
			t.Fatalf("%+v is not %+v", again, first)
		}
	}
}

func TestObjectsShareNothingButLabelsWithDockersAnswer(t *testing.T) {
	response := sourcetest.Container(func(r *container.InspectResponse) {
		r.NetworkSettings.Ports = nat.PortMap{"1/tcp": {{HostIP: "127.0.0.1", HostPort: "1"}}}
	})
	object := containerOf(response, "engine", circumstances{})
	before := object.DeepCopy()
	response.Args[0] = "changed"
	response.NetworkSettings.Ports["1/tcp"][0].HostPort = "changed"
	response.State.Status = "changed"
	if !apiequality.Semantic.DeepEqual(object, before) {
		t.Errorf("the object was %+v and is %+v", before, object)
	}
}

func TestWhatIsReadOfAnInspectionIsAllThatIsShown(t *testing.T) {
	fill := randfill.NewWithSeed(1).NilChance(0.1).NumElements(0, 3).MaxDepth(12).Funcs(
		func(state *container.State, fill randfill.Continue) {
			fill.FillNoCustom(state)
			state.Status, state.StartedAt, state.FinishedAt = "exited", dockertest.StartedAt, dockertest.FinishedAt
		},
	)
	for range 200 {
		var whole container.InspectResponse
		fill.Fill(&whole)
		if whole.ContainerJSONBase == nil {
			continue
		}
		answer, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(answer, &whole); err != nil {
			t.Fatal(err)
		}
		for _, withLabels := range []bool{true, false} {
			part, err := readContainer(answer, withLabels)
			if err != nil {
				t.Fatal(err)
			}
			if whole.Config != nil && !withLabels {
				maps.DeleteFunc(whole.Config.Labels, func(key, _ string) bool { return key != v1alpha1.FieldsLabel })
			}
			if want, got := containerOf(&whole, "engine", circumstances{}), containerOf(part, "engine", circumstances{}); !apiequality.Semantic.DeepEqual(got, want) {
				t.Fatalf("of %s\nis shown %+v\n    not %+v", answer, got, want)
			}
			if want, got := stopTimeoutOf(&whole), stopTimeoutOf(part); got != want {
				t.Errorf("%s may take %s to stop, not %s", answer, got, want)
			}
		}
	}
}

func TestAnAnswerWithHolesIsNoPanic(t *testing.T) {
	containerOf(&container.InspectResponse{ContainerJSONBase: &container.ContainerJSONBase{ID: dockertest.IDA, Name: "/x1"}}, "engine", circumstances{})
}

func TestUIDBelongsToTheThingBehindTheName(t *testing.T) {
	base := containerOf(sourcetest.Container(nil), "engine", circumstances{}).UID
	for name, other := range map[string]*container.InspectResponse{
		"made anew": sourcetest.Container(func(r *container.InspectResponse) { r.ID = dockertest.IDB }),
		"renamed":   sourcetest.Container(func(r *container.InspectResponse) { r.Name = "/other" }),
	} {
		if containerOf(other, "engine", circumstances{}).UID == base {
			t.Errorf("%s: the same uid", name)
		}
	}
	if containerOf(sourcetest.Container(func(r *container.InspectResponse) { r.State.Status = "exited" }), "engine", circumstances{}).UID != base {
		t.Error("the uid changed with the state")
	}
	if base != "eca84b66-856b-566b-b694-77014c9da8e7" {
		t.Errorf("the uid changed with the release of this server: %s", base)
	}
}

func TestOnlyValidLabelsCanBeSelected(t *testing.T) {
	labels := map[string]string{"com.docker.compose.project": "web", "Two Words": "x", "url": "https://x/y", "empty": "", "": "x", "long": strings.Repeat("v", 64)}
	got := containerOf(sourcetest.Container(func(r *container.InspectResponse) { r.Config.Labels = labels }), "engine", circumstances{})
	if want := map[string]string{"com.docker.compose.project": "web", "empty": ""}; !apiequality.Semantic.DeepEqual(got.Labels, want) {
		t.Errorf("selectable: %v", got.Labels)
	}
	if !apiequality.Semantic.DeepEqual(got.Status.Labels, labels) {
		t.Errorf("all: %v", got.Status.Labels)
	}
}
