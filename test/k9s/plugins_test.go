// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build k9s

package k9s_test

import (
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/registry"
)

func TestOneKeyShowsTheLogOfAContainerAndAnotherItsPages(t *testing.T) {
	name := engine.UniqueName("web")
	docker.Run(t, name, engine.Command("sh", "-c", "echo first line; sleep 1d"))
	k9s := start(t, "")
	k9s.shows(name, "running")
	k9s.press("l")
	k9s.shows("first line")
	k9s.press("C-c")
	k9s.shows(title("containers"))
	k9s.press("p")
	k9s.shows("first line")
	k9s.shows("(END)")
	k9s.press("q")
	k9s.shows(title("containers"))
}

func TestOneKeyOpensAShell(t *testing.T) {
	name := engine.UniqueName("web")
	docker.Run(t, name)
	k9s := start(t, "")
	k9s.shows(name, "running")
	k9s.press("s")
	k9s.shows("/ #")
	k9s.enter("echo sum $((40 + 2))")
	k9s.shows("sum 42")
	k9s.enter("exit")
	k9s.shows(title("containers"))
}

func TestKeysChangeTheStateOfAContainer(t *testing.T) {
	name := engine.UniqueName("web")
	docker.Run(t, name)
	k9s := start(t, "")
	k9s.shows(name, "running")
	k9s.press("0") // In the view of all namespaces k9s has more keys of its own.
	k9s.shows("containers(all)")
	k9s.shows(name, "running")
	started := docker.Inspect(t, name).State.StartedAt
	for _, step := range []struct{ key, status string }{{"Z", "paused"}, {"Z", "running"}, {"D", "exited"}, {"U", "running"}} {
		k9s.press(step.key)
		k9s.shows(name, step.status)
		if is := docker.Inspect(t, name).State.Status; is != step.status {
			t.Errorf("after %s Docker says %s, want %s", step.key, is, step.status)
		}
	}
	again := docker.Inspect(t, name).State.StartedAt
	k9s.press("R")
	kubectl.Eventually(t, "the container is started again", func() bool {
		state := docker.Inspect(t, name).State
		return state.Running && state.StartedAt != again && again != started
	})
}

func TestOneKeyPullsAnImageAgainAndAnotherPrunesThoseWithoutATag(t *testing.T) {
	source := registry.Start(t)
	source.Push(t, "team/tool:v1", 1000)
	ref := source.Ref("team/tool:v1")
	docker.Image(t, ref) // another image with that tag
	before, err := docker.Client().ImageInspect(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	k9s := start(t, "")
	k9s.enter(":img")
	k9s.shows(title("images"))
	k9s.enter("/tool")
	k9s.shows("team~tool:v1")
	k9s.press("L")
	kubectl.Eventually(t, "the image is pulled", func() bool {
		now, err := docker.Client().ImageInspect(t.Context(), ref)
		return err == nil && now.ID != before.ID
	})
	k9s.shows(title("images"))
	k9s.press("X")
	k9s.shows("Confirm Prune images")
	k9s.press("Tab", "Enter")
	kubectl.Eventually(t, "the image that has lost its tag is gone", func() bool {
		_, err := docker.Client().ImageInspect(t.Context(), before.ID)
		return errdefs.IsNotFound(err)
	})
}

func TestOneKeyPrunesVolumes(t *testing.T) {
	// A volume is anonymous if Docker made up its name.
	made, err := docker.Client().ContainerCreate(t.Context(), &container.Config{Image: engine.Busybox, Volumes: map[string]struct{}{"/data": {}}}, nil, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	volume := docker.Inspect(t, made.ID).Mounts[0].Name
	if err := docker.Client().ContainerRemove(t.Context(), made.ID, container.RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	k9s := start(t, "")
	k9s.enter(":vol")
	k9s.shows(volume[:40])
	k9s.press("X")
	k9s.shows("Confirm Prune")
	k9s.press("Tab", "Enter")
	kubectl.Eventually(t, "the volume is gone", func() bool {
		_, err := docker.Client().VolumeInspect(t.Context(), volume)
		return errdefs.IsNotFound(err)
	})
}

func TestOneKeyPrunesNetworks(t *testing.T) {
	name := engine.UniqueName("unused")
	docker.Network(t, name, nil)
	k9s := start(t, "")
	k9s.enter(":net")
	k9s.shows(name)
	k9s.press("X")
	k9s.shows("Confirm Prune")
	k9s.press("Tab", "Enter")
	kubectl.Eventually(t, "the network is gone", func() bool {
		_, err := docker.Client().NetworkInspect(t.Context(), name, network.InspectOptions{})
		return errdefs.IsNotFound(err)
	})
}

func TestTheColumnsAreThoseThatAreLookedAt(t *testing.T) {
	docker.Run(t, engine.UniqueName("web"))
	k9s := start(t, "")
	for view, columns := range map[string][]string{
		"ctr": {"NAME", "STATUS", "IMAGE", "PORTS", "HEALTH", "AGE"}, "img": {"IN-USE", "DANGLING"}, "vol": {"IN-USE", "ANONYMOUS"},
		"net": {"SUBNETS", "CONTAINERS"}, "containermetrics": {"CPU", "MEMORY", "LIMIT", "PIDS"},
	} {
		k9s.enter(":" + view)
		if k9s.shows(columns...); strings.Contains(k9s.screen(), "MOUNTPOINT") {
			t.Errorf("%s: a column for -o wide is shown", view)
		}
	}
}
