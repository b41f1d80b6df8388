// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/volume"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

func TestAVolumeOfAPluginShowsWhateverItsName(t *testing.T) {
	x := connect(t)
	plugin := shared.VolumePlugin(t, "anyname")
	names := []string{"plain", "vol1@datastore1", "team/share", "two words", "ünï", "lost+found", "x", "_db", "100%", "a?b#c", "a&force=1", `a\b`, "%2e%2e%2fcontainers%2fx",
		containers.ObjectName("team/share"), strings.Repeat("n", 5000)}
	for _, name := range names {
		_, err := x.docker.VolumeCreate(t.Context(), volume.CreateOptions{Name: name, Driver: plugin.Name})
		dockertest.Must(t, err)
	}
	for _, name := range names {
		key := containers.ObjectName(name)
		v := x.volume(t, key)
		if v == nil || v.Status.Name != name || v.Status.Driver != plugin.Name {
			t.Errorf("%.80q shows as %.200v", name, v)
			continue
		}
		if subject, err := x.Volumes().Lookup(t.Context(), "engine/"+key); subject != x.volumeSubject(name) || err != nil {
			t.Errorf("%.80q is found as %.80q, %v", key, subject, err)
		}
		if err := x.Volumes().Delete(t.Context(), x.volumeSubject(name), v); err != nil {
			t.Errorf("%.80q is not deleted: %v", name, err)
		}
		if x.volume(t, key) != nil {
			t.Errorf("%.80q is shown after its removal", name)
		}
	}
}

// TestAVolumeThatDockerCannotBeAskedAboutShowsAsItIsListed uses names that Docker's client changes before it sends
// them, and a plugin that lists a volume that it does not find.
func TestAVolumeThatDockerCannotBeAskedAboutShowsAsItIsListed(t *testing.T) {
	x := connect(t)
	plugin := shared.VolumePlugin(t, "listed")
	victim := engine.UniqueName("victim")
	id := shared.Create(t, victim)
	shared.Volume(t, victim, nil)
	names := []string{"../containers/" + victim, ".", "..", "a/../b", victim + "/", " " + victim, victim + " ", "a\nb", "hidden"}
	for _, name := range names {
		plugin.Add(name)
	}
	plugin.Hide("hidden")
	// Docker asks only the plugins that it knows. A first volume makes the plugin known.
	_, err := x.docker.VolumeCreate(t.Context(), volume.CreateOptions{Name: engine.UniqueName("known"), Driver: plugin.Name})
	dockertest.Must(t, err)
	dockertest.Must(t, x.v.Resync(t.Context()))
	for _, name := range names {
		key := containers.ObjectName(name)
		v := x.volume(t, key)
		if v == nil || v.Status.Name != name {
			t.Errorf("%q shows as %v", name, v)
			continue
		}
		if subject, err := x.Volumes().Lookup(t.Context(), "engine/"+key); name != "hidden" && subject != x.volumeSubject(name) || err != nil {
			t.Errorf("%q is found as %q, %v", key, subject, err)
		}
		if err := x.Volumes().Delete(t.Context(), x.volumeSubject(name), v); dockertest.Code(err) != 409 || !dockertest.Contains(err, "with the means of its driver, listed") {
			t.Errorf("a delete of %q: %v", name, err)
		}
		plugin.Remove(name)
	}
	if x.volume(t, victim) == nil || x.container(t, victim) == nil || x.container(t, victim).Status.ID != id {
		t.Error("another volume was removed")
	}
}

func TestALocalVolumeShowsWhateverItsDirectoryIsCalled(t *testing.T) {
	x := connect(t)
	for _, name := range []string{"lost+found", "a b"} {
		dir := filepath.Join(shared.Dir(), "data", "volumes", name)
		dockertest.Must(t, os.MkdirAll(filepath.Join(dir, "_data"), 0o700))
		t.Cleanup(func() { dockertest.Must(t, os.RemoveAll(dir)) })
	}
	dockertest.Must(t, shared.Restart())
	x.awaitConnection(t)
	for _, name := range []string{"lost+found", "a b"} {
		v := x.volume(t, name)
		if v == nil || v.Status.Driver != "local" {
			t.Fatalf("%q shows as %v", name, v)
		}
		dockertest.Must(t, x.Volumes().Delete(t.Context(), x.volumeSubject(name), v))
	}
}

func TestAContainerShowsWhateverItsName(t *testing.T) {
	x := connect(t)
	long := strings.Repeat("n", 5000)
	names := map[string]string{} // by ID
	for _, name := range []string{"x", "_db", "two words", "ünï", "team/db"} {
		names[shared.Create(t, engine.UniqueName("renamed"))] = name
	}
	dockertest.Must(t, shared.Terminate())
	for id, name := range names { // old engines have left such names
		rename(t, id, name)
	}
	dockertest.Must(t, shared.Restart())
	x.awaitConnection(t)
	names[shared.Create(t, long)] = long
	for id, name := range names {
		key := containers.ObjectName(name)
		c := x.container(t, key)
		if c == nil || c.Status.ID != id || c.Status.Name != name {
			t.Errorf("%.80q shows as %.200v", name, c)
			continue
		}
		for _, by := range []string{key, id, id[:12]} {
			if subject, err := x.Containers().Lookup(t.Context(), "engine/"+by); subject != id || err != nil {
				t.Errorf("%.80q is found by %.80q as %q, %v", name, by, subject, err)
			}
		}
		dockertest.Must(t, x.Containers().Delete(byForce(context.Background()), id, c))
	}
}

// rename changes the name of a container in the engine's files. The engine must not run.
func rename(t *testing.T, id, name string) {
	t.Helper()
	file := filepath.Join(shared.Dir(), "data", "containers", id, "config.v2.json")
	text, err := os.ReadFile(file)
	dockertest.Must(t, err)
	var config map[string]any
	dockertest.Must(t, json.Unmarshal(text, &config))
	config["Name"] = "/" + name
	text, err = json.Marshal(config)
	dockertest.Must(t, err)
	dockertest.Must(t, os.WriteFile(file, text, 0o600))
}
