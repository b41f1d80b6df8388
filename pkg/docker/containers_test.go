// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/warning"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

func TestEveryChangeOfAContainerMarksItAndShows(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("life")
	id := shared.Create(t, name, engine.Command(engine.Stubborn...))
	ctx := t.Context()
	seconds := 0
	for _, step := range []struct {
		what   string
		do     func() error
		status v1alpha1.ContainerDockerStatus
	}{
		{"create", func() error { return nil }, "created"},
		{"start", func() error { return x.docker.ContainerStart(ctx, id, container.StartOptions{}) }, "running"},
		{"pause", func() error { return x.docker.ContainerPause(ctx, id) }, "paused"},
		{"unpause", func() error { return x.docker.ContainerUnpause(ctx, id) }, "running"},
		{"restart", func() error { return x.docker.ContainerRestart(ctx, id, container.StopOptions{Timeout: &seconds}) }, "running"},
		{"stop", func() error { return x.docker.ContainerStop(ctx, id, container.StopOptions{Timeout: &seconds}) }, "exited"},
		{"update", func() error {
			_, err := x.docker.ContainerUpdate(ctx, id, container.UpdateConfig{Resources: container.Resources{CPUShares: 512}})
			return err
		}, "exited"},
	} {
		x.c.marked(id)
		dockertest.Must(t, step.do())
		c := x.container(t, name)
		if c == nil || c.Status.Status != step.status {
			t.Fatalf("after %s: %+v", step.what, c)
		}
		if x.c.marked(id) == 0 && step.what != "create" {
			t.Errorf("%s marks nothing", step.what)
		}
		if running := meta.IsStatusConditionTrue(c.Status.Conditions, "Running"); running != (step.status == "running" || step.status == "paused") {
			t.Errorf("after %s: running is %v", step.what, running)
		}
	}
	if c := x.container(t, name); c.Status.ExitCode != 137 || c.Status.FinishedAt == nil || c.Status.PID != 0 {
		t.Errorf("after the stop: %+v", c.Status)
	}
	before := x.container(t, name)
	dockertest.Must(t, x.docker.ContainerRename(ctx, id, name+"-2"))
	after := x.container(t, name+"-2")
	if after == nil || after.UID == before.UID || x.container(t, name) != nil {
		t.Errorf("after the rename: %+v", after)
	}
	dockertest.Must(t, x.docker.ContainerRemove(ctx, id, container.RemoveOptions{}))
	if x.container(t, name+"-2") != nil {
		t.Error("shown after the removal")
	}
}

func TestADockerNetworkConnectFromOutsideMarksTheContainerAndShows(t *testing.T) {
	x := connect(t)
	name, first, second := engine.UniqueName("connected"), engine.UniqueName("first"), engine.UniqueName("second")
	shared.Network(t, first, nil)
	shared.Network(t, second, nil)
	id := shared.Run(t, name, engine.OnNetwork(first))
	ctx := t.Context()
	for _, step := range []struct {
		what string
		do   func() error
		want []string
	}{
		{"start", func() error { return nil }, []string{first}},
		{"connect", func() error { return x.docker.NetworkConnect(ctx, second, id, nil) }, []string{first, second}},
		{"disconnect", func() error { return x.docker.NetworkDisconnect(ctx, first, id, false) }, []string{second}},
	} {
		x.container(t, name)
		x.c.marked(id)
		dockertest.Must(t, step.do())
		c := x.container(t, name)
		var got, addressed []string
		for _, network := range c.Spec.Networks {
			got = append(got, network.Name)
		}
		for _, network := range c.Status.Networks {
			if network.IPAddress != "" {
				addressed = append(addressed, network.Name)
			}
		}
		if !slices.Equal(got, step.want) || !slices.Equal(addressed, step.want) {
			t.Errorf("after %s: the spec has the networks %v, and the status those %v, not %v", step.what, got, addressed, step.want)
		}
		if step.what != "start" && x.c.marked(id) == 0 {
			t.Errorf("%s marks nothing", step.what)
		}
	}
}

func TestAKilledContainerShowsItsEnd(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("kill")
	id := shared.Run(t, name, engine.Command(engine.Stubborn...))
	dockertest.Must(t, x.docker.ContainerKill(t.Context(), id, "KILL"))
	eventually(t, "the end", func() bool { return x.container(t, name).Status.Status == "exited" })
}

func TestAContainerThatRemovesItselfIsGone(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("rm")
	shared.Run(t, name, engine.Command("true"), func(_ *container.Config, h *container.HostConfig) { h.AutoRemove = true })
	eventually(t, "the end", func() bool { return x.container(t, name) == nil })
}

func TestAPruneOfContainersShows(t *testing.T) {
	x := connect(t)
	label := engine.UniqueName("prune")
	shared.Create(t, label, engine.Labels(map[string]string{label: ""}))
	if x.container(t, label) == nil {
		t.Fatal("not shown")
	}
	lists := x.c.lists
	if _, err := x.docker.ContainersPrune(t.Context(), filters.NewArgs(filters.Arg("label", label))); err != nil {
		t.Fatal(err)
	}
	if x.container(t, label) != nil {
		t.Error("shown after the prune")
	}
	if x.c.lists == lists {
		t.Error("the prune did not mark the whole kind")
	}
}

func TestAHealthChangeShowsAndItsProbesDoNot(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("health")
	id := shared.Run(t, name, func(c *container.Config, _ *container.HostConfig) {
		c.Healthcheck = &container.HealthConfig{Test: []string{"CMD", "true"}, Interval: 100 * time.Millisecond, Timeout: time.Minute, Retries: 1}
	})
	eventually(t, "healthy", func() bool { return x.container(t, name).Status.Health == "healthy" })
	first := x.container(t, name)
	x.c.marked(id)
	eventually(t, "more probes", func() bool {
		inspected, err := x.docker.ContainerInspect(t.Context(), id)
		dockertest.Must(t, err)
		return len(inspected.State.Health.Log) >= 4
	})
	dockertest.Must(t, x.Fence(t.Context()))
	if n := x.c.marked(id); n != 0 {
		t.Errorf("probes marked the container %d times", n)
	}
	again, _, err := x.Containers().Observe(t.Context(), id)
	dockertest.Must(t, err)
	if second := again[source.KeyOf(first)]; !reflect.DeepEqual(first, second) {
		t.Errorf("%+v is not %+v", second, first)
	}
}

func TestAContainerIsFoundByItsNameAndIDsOnly(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("lookup")
	id := shared.Create(t, name)
	for _, known := range []string{name, id, id[:12]} {
		if got, err := x.Containers().Lookup(t.Context(), "engine/"+known); got != id || err != nil {
			t.Errorf("%s: %q, %v", known, got, err)
		}
	}
	for _, unknown := range []string{id[:2], id[:11], id[:13], id[:63], "nothing", "..", "../volumes/x", "a/b", "", strings.ToUpper(name)} {
		if got, err := x.Containers().Lookup(t.Context(), "engine/"+unknown); got != "" || err != nil {
			t.Errorf("%q: %q, %v", unknown, got, err)
		}
	}
	if got, err := x.Containers().Lookup(t.Context(), "elsewhere/"+name); got != "" || err != nil {
		t.Errorf("another namespace: %q, %v", got, err)
	}
	for _, subject := range []string{name, id[:12], dockertest.IDA, ".."} {
		if got, _, err := x.Containers().Observe(t.Context(), subject); len(got) != 0 || err != nil {
			t.Errorf("%q shows as %v, %v", subject, got, err)
		}
	}
}

// update changes the container from its current state, as a client does.
func (x *connected) update(t *testing.T, ctx context.Context, name string, change func(*v1alpha1.Container)) error {
	t.Helper()
	before := x.container(t, name)
	after := before.DeepCopy()
	change(after)
	err := x.Containers().Update(ctx, before.Status.ID, before, after)
	x.c.settle()
	return err
}

func state(s v1alpha1.ContainerState) func(*v1alpha1.Container) {
	return func(c *v1alpha1.Container) { c.Spec.State = s }
}

func TestAStateThatIsAskedForIsThereWithTheAnswer(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("state")
	shared.Create(t, name)
	for _, s := range []v1alpha1.ContainerState{"running", "paused", "running", "paused", "created", "running", "created"} {
		dockertest.Must(t, x.update(t, t.Context(), name, state(s)))
		if got := x.c.held(name).(*v1alpha1.Container); got.Spec.State != s {
			t.Fatalf("%s was asked for: %+v", s, got)
		}
	}
	err := x.update(t, t.Context(), name, state("paused"))
	if dockertest.Code(err) != 409 || !dockertest.Contains(err, "is not running") {
		t.Errorf("created to paused: %v", err)
	}
}

func TestASpecThatSaysWhatIsThereMakesNoCall(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("equal")
	id := shared.Run(t, name)
	before := x.container(t, name)
	x.c.marked(id)
	dockertest.Must(t, x.Containers().Update(t.Context(), id, before, before.DeepCopy()))
	if x.c.marked(id) != 0 {
		t.Error("a call was made")
	}
}

func TestAFailedStartShowsWithoutAnEvent(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("fails")
	shared.Create(t, name, engine.Command("/does/not/exist"))
	err := x.update(t, t.Context(), name, state("running"))
	if dockertest.Code(err) != 400 || !dockertest.Contains(err, "/does/not/exist") {
		t.Errorf("%v", err)
	}
	c := x.c.held(name).(*v1alpha1.Container)
	if c.Status.ExitCode != 127 || !strings.Contains(c.Status.Error, "/does/not/exist") {
		t.Errorf("%+v", c.Status)
	}
}

func TestAStartThatMissesAnotherThingIsAConflict(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("orphan")
	peer := shared.Create(t, name+"-peer")
	shared.Create(t, name, func(_ *container.Config, h *container.HostConfig) {
		h.NetworkMode = container.NetworkMode("container:" + peer)
	})
	dockertest.Must(t, x.docker.ContainerRemove(t.Context(), peer, container.RemoveOptions{}))
	err := x.update(t, t.Context(), name, state("running"))
	if dockertest.Code(err) != 409 && dockertest.Code(err) != 400 || !dockertest.Contains(err, peer) {
		t.Errorf("%v", err)
	}
	if x.container(t, name) == nil {
		t.Error("the container is gone")
	}
}

// warnings records the warnings of a request.
type warnings struct{ texts []string }

func (w *warnings) AddWarning(_, text string) { w.texts = append(w.texts, text) }

func action(a string) func(*v1alpha1.Container) {
	return func(c *v1alpha1.Container) {
		metav1.SetMetaDataAnnotation(&c.ObjectMeta, v1alpha1.ActionAnnotation, a)
	}
}

func TestActionsAreCarriedOutAndNotKept(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("action")
	shared.Create(t, name)
	for _, test := range []struct {
		action string
		status v1alpha1.ContainerDockerStatus
	}{
		{"start", "running"}, {"start", "running"}, {"unpause", "running"}, {"pause", "paused"}, {"pause", "paused"}, {"unpause", "running"},
		{"unpause", "running"}, {"restart", "running"}, {"stop", "exited"}, {"stop", "exited"},
	} {
		w := &warnings{}
		dockertest.Must(t, x.update(t, warning.WithWarningRecorder(t.Context(), w), name, action(test.action)))
		c := x.c.held(name).(*v1alpha1.Container)
		last := c.Status.LastAction
		if c.Status.Status != test.status || last == nil || string(last.Action) != test.action || last.State != "Succeeded" || last.CompletedAt == nil || last.Error != "" {
			t.Errorf("%s: %s, %+v", test.action, c.Status.Status, last)
		}
		if len(c.Annotations) != 0 || len(w.texts) != 0 {
			t.Errorf("%s: annotations %v, warnings %v", test.action, c.Annotations, w.texts)
		}
	}
}

func TestAStoppedContainerIsNeitherPausedNorUnpaused(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("stopped")
	id := shared.Create(t, name)
	for _, refused := range []string{"pause", "unpause"} {
		w := &warnings{}
		dockertest.Must(t, x.update(t, warning.WithWarningRecorder(t.Context(), w), name, action(refused)))
		last := x.c.held(name).(*v1alpha1.Container).Status.LastAction
		if last.State != "Failed" || last.Error != "Container "+id+" is not running" {
			t.Errorf("%s: %+v", refused, last)
		}
		if len(w.texts) != 1 || !strings.Contains(w.texts[0], "is not running") {
			t.Errorf("%s: warnings %v", refused, w.texts)
		}
	}
}

func TestTheLastAppliedConfigurationIsRemembered(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("applied")
	id := shared.Create(t, name)
	const key = "kubectl.kubernetes.io/last-applied-configuration"
	dockertest.Must(t, x.update(t, t.Context(), name, func(c *v1alpha1.Container) { metav1.SetMetaDataAnnotation(&c.ObjectMeta, key, "{}") }))
	if got := x.c.held(name).(*v1alpha1.Container).Annotations[key]; got != "{}" {
		t.Errorf("%q", got)
	}
	dockertest.Must(t, x.docker.ContainerRemove(t.Context(), id, container.RemoveOptions{}))
	if x.container(t, name) != nil {
		t.Error("the annotated container outlived its removal")
	}
}

func TestACallOutlivesItsRequest(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("outlives")
	seconds := 1
	shared.Run(t, name, engine.Command(engine.Stubborn...), func(c *container.Config, _ *container.HostConfig) { c.StopTimeout = &seconds })
	if got := x.Containers().StopTimeout(x.container(t, name).Status.ID); got != time.Second {
		t.Errorf("stop timeout %s", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := x.update(t, ctx, name, state("created")); dockertest.Code(err) != 504 {
		t.Errorf("%v", err)
	}
	// The next call waits for its turn, and then has nothing to do.
	dockertest.Must(t, x.update(t, t.Context(), name, state("created")))
	if c := x.c.held(name).(*v1alpha1.Container); c.Status.Status != "exited" {
		t.Errorf("%+v", c.Status)
	}
}
