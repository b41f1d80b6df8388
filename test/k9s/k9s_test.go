// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build k9s

// Package k9s_test runs k9s in a terminal with a standalone server, as users do.
package k9s_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

var (
	program = flag.String("k9s", "k9s", "k9s `program` to drive")

	docker *engine.Engine
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(engine.Main(m, &docker))
}

// start runs k9s, which shows its view of containers. editor is a shell script that k9s calls to edit a file.
func start(t *testing.T, editor string) *terminal {
	t.Helper()
	server := testserver.Start(t, docker.Host())
	home := t.TempDir()
	files := map[string]string{
		"config.yaml": "k9s:\n  skipLatestRevCheck: true\n",
		"editor":      "#!/bin/sh\n" + editor + "\n",
	}
	for _, name := range []string{"plugins.yaml", "views.yaml"} {
		content, err := os.ReadFile(filepath.Join("../../artifacts/k9s", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(content)
	}
	for path, content := range files {
		if err := os.WriteFile(filepath.Join(home, path), []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	k9s := open(t, []string{"HOME=" + home, "K9S_CONFIG_DIR=" + home, "K9S_LOGS_DIR=" + home, "K9S_EDITOR=" + filepath.Join(home, "editor")},
		*program, "--kubeconfig", server.Kubeconfig, "--namespace", testserver.Namespace, "--splashless", "--command", "ctr")
	k9s.shows(title("containers"))
	return k9s
}

// title returns the title that k9s shows above a view of the resource.
func title(resource string) string { return resource + "(" + testserver.Namespace + ")" }

func TestEveryViewShowsWhatDockerHolds(t *testing.T) {
	container, volume := engine.UniqueName("web"), engine.UniqueName("data")
	docker.Run(t, container)
	docker.Volume(t, volume, nil)
	network := engine.UniqueName("back")
	docker.Network(t, network, nil)
	k9s := start(t, "")
	for _, view := range []struct{ command, resource, name, detail string }{
		{"img", "images", "busybox:latest", "MB"},
		{"vol", "volumes", volume, "local"},
		{"net", "networks", network, "bridge"},
		{"eng", "engines", "moby", "True"},
		{"cns", "containernamespaces", "moby", ""},
		{"ctr", "containers", container, "busybox"},
	} {
		k9s.enter(":" + view.command)
		k9s.shows(title(view.resource))
		k9s.shows(view.name, view.detail)
	}
	k9s.enter(":ns")
	k9s.shows(testserver.Namespace, "Active")
}

func TestChangesAreSeenLive(t *testing.T) {
	name, second, renamed := engine.UniqueName("web"), engine.UniqueName("second"), engine.UniqueName("renamed")
	id := docker.Run(t, name)
	k9s := start(t, "")
	k9s.shows(name, "running")
	if err := docker.Client().ContainerPause(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	k9s.shows(name, "paused")
	docker.Create(t, second)
	k9s.shows(second, "created")
	if err := docker.Client().ContainerRename(t.Context(), id, renamed); err != nil {
		t.Fatal(err)
	}
	k9s.shows(renamed, "paused")
	k9s.hides(name)
}

func TestEditingTheStatePausesAContainer(t *testing.T) {
	name := engine.UniqueName("web")
	id := docker.Run(t, name)
	k9s := start(t, `sed -i 's/^  state: running$/  state: paused/' "$1"`)
	k9s.shows(name, "running")
	k9s.press("e")
	k9s.shows(name, "paused")
	inspected, err := docker.Client().ContainerInspect(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if !inspected.State.Paused {
		t.Errorf("Docker says %s, want paused", inspected.State.Status)
	}
}

func TestAContainerIsDeletedOnceThatIsConfirmed(t *testing.T) {
	name := engine.UniqueName("job")
	id := docker.Create(t, name)
	k9s := start(t, "")
	k9s.shows(name, "created")
	k9s.press("C-d")
	k9s.shows("Delete containers")
	k9s.press("Tab", "Enter") // Tab moves from Cancel to OK
	kubectl.Eventually(t, "Docker has removed the container", func() bool {
		_, err := docker.Client().ContainerInspect(t.Context(), id)
		return errdefs.IsNotFound(err)
	})
	k9s.hides(name, "created")
}

func TestAContainerIsDescribed(t *testing.T) {
	name := engine.UniqueName("web")
	docker.Run(t, name)
	k9s := start(t, "")
	k9s.shows(name, "running")
	k9s.press("d")
	k9s.shows("Describe", name)
	k9s.shows("Kind:", "Container")
	k9s.press("Escape")
	k9s.shows(title("containers"))
}

func TestAFilterLeavesWhatMatches(t *testing.T) {
	one, other := engine.UniqueName("one"), engine.UniqueName("other")
	docker.Create(t, one)
	docker.Create(t, other)
	k9s := start(t, "")
	k9s.shows(one, "created")
	k9s.shows(other, "created")
	k9s.enter("/" + one)
	k9s.hides(other, "created")
	k9s.shows(one, "created")
}
