// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"slices"
	"strings"
	"testing"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/volume"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

const nothingPruned = "Total reclaimed space: 0B\n"

// anonymousVolume makes a container with a volume that has no name, and returns the container and the name that Docker gave
// the volume.
func anonymousVolume(t *testing.T) (containerID, name string) {
	t.Helper()
	id := docker.Create(t, engine.UniqueName("owner"), func(_ *container.Config, host *container.HostConfig) {
		host.Mounts = []mount.Mount{{Type: mount.TypeVolume, Target: "/data"}}
	})
	inspected, err := docker.Client().ContainerInspect(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return id, inspected.Mounts[0].Name
}

func hasVolume(t *testing.T, name string) bool {
	t.Helper()
	_, err := docker.Client().VolumeInspect(t.Context(), name)
	if err != nil && !cerrdefs.IsNotFound(err) {
		t.Fatal(err)
	}
	return err == nil
}

func removeContainer(t *testing.T, id string) {
	t.Helper()
	if err := docker.Client().ContainerRemove(t.Context(), id, container.RemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
}

func TestImagePruneRemovesOnlyDanglingImagesThatNoContainerUses(t *testing.T) {
	tagged, dangling, used := engine.UniqueName("tagged"), docker.DanglingImage(t), docker.DanglingImage(t)
	docker.Image(t, tagged)
	user := docker.Create(t, engine.UniqueName("user"), func(config *container.Config, _ *container.HostConfig) { config.Image = used })
	if got := ok(t, "image", "prune", "-f", "--filter", "label=absent"); got != nothingPruned {
		t.Errorf("%q", got)
	}
	if got := ok(t, "image", "prune", "-f"); got != "Deleted Images:\ndeleted: "+dangling+"\n" {
		t.Errorf("%q", got)
	}
	if hasImage(t, dangling) || !hasImage(t, used) || !hasImage(t, tagged) {
		t.Error("another image is gone")
	}
	removeContainer(t, user)
	if got := ok(t, "image", "prune", "-f"); got != "Deleted Images:\ndeleted: "+used+"\n" {
		t.Errorf("%q", got)
	}
	if got := ok(t, "image", "prune", "-f"); got != nothingPruned {
		t.Errorf("%q", got)
	}
}

func TestImagePruneAllRemovesTagsOfImagesThatNoContainerUses(t *testing.T) {
	docker.Create(t, engine.UniqueName("keeper")) // of busybox, which other tests need
	name, used := engine.UniqueName("unused"), engine.UniqueName("used")
	id := docker.Image(t, name+":1")
	docker.Tag(t, id, name+":2")
	docker.Image(t, used+":1")
	docker.Tag(t, used+":1", used+":2")
	docker.Create(t, engine.UniqueName("user"), func(config *container.Config, _ *container.HostConfig) { config.Image = used + ":1" })
	if got := ok(t, "image", "prune", "-af", "--filter", "until=1h"); got != nothingPruned {
		t.Errorf("%q", got)
	}
	want := "Deleted Images:\nuntagged: " + name + ":1\nuntagged: " + name + ":2\ndeleted: " + id + "\n"
	if got := ok(t, "image", "prune", "-a", "-f"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if hasImage(t, id) || !hasImage(t, used+":1") || !hasImage(t, used+":2") {
		t.Error("another image is gone")
	}
}

func TestVolumePruneRemovesOnlyVolumesThatNoContainerUses(t *testing.T) {
	named, kept, used := engine.UniqueName("named"), engine.UniqueName("kept"), engine.UniqueName("used")
	docker.Volume(t, named, nil)
	docker.Volume(t, kept, map[string]string{"keep": "me"})
	docker.Volume(t, used, nil)
	docker.Create(t, engine.UniqueName("user"), func(_ *container.Config, host *container.HostConfig) { host.Binds = []string{used + ":/data"} })
	owner, anonymous := anonymousVolume(t)
	if got := ok(t, "volume", "prune", "-f"); got != nothingPruned {
		t.Errorf("%q", got)
	}
	removeContainer(t, owner)
	if got := ok(t, "volume", "prune", "-f"); got != "Deleted Volumes:\n"+anonymous+"\n" || hasVolume(t, anonymous) {
		t.Errorf("%q", got)
	}
	lines := strings.Split(ok(t, "volume", "ls", "-q", "-f", "dangling=true"), "\n")
	if !slices.Contains(lines, named) || !slices.Contains(lines, kept) || slices.Contains(lines, used) {
		t.Errorf("%q", lines)
	}
	if got := ok(t, "volume", "prune", "-af", "--filter", "label!=keep"); got != "Deleted Volumes:\n"+named+"\n" {
		t.Errorf("%q", got)
	}
	if hasVolume(t, named) || !hasVolume(t, kept) || !hasVolume(t, used) {
		t.Error("another volume is gone")
	}
}

func TestVolumePruneLeavesVolumesOfOtherDriversAlone(t *testing.T) {
	docker.VolumePlugin(t, "elsewhere")
	name := engine.UniqueName("elsewhere")
	if _, err := docker.Client().VolumeCreate(t.Context(), volume.CreateOptions{Name: name, Driver: "elsewhere"}); err != nil {
		t.Fatal(err)
	}
	defer ok(t, "volume", "rm", name)
	if got := ok(t, "volume", "prune", "-af"); got != nothingPruned || !hasVolume(t, name) {
		t.Errorf("%q", got)
	}
}

func TestAPruneWithoutAnAnswerRemovesNothing(t *testing.T) {
	dangling := docker.DanglingImage(t)
	r := run(t, "image", "prune")
	question := "WARNING! This will remove all dangling images.\nAre you sure you want to continue? [y/N] "
	if r.code != 1 || r.stdout != question || !strings.HasPrefix(r.stderr, "error: nothing is removed") || !hasImage(t, dangling) {
		t.Errorf("%+v", r)
	}
}
