// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/volume"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

func TestEveryChangeOfAVolumeShows(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("My_Vol.Ume")
	shared.Volume(t, name, map[string]string{"a": "b"})
	v := x.volume(t, name)
	if v == nil || v.Status.Labels["a"] != "b" || v.Status.CreatedAt == nil || v.Status.Mountpoint == "" {
		t.Fatalf("%+v", v)
	}
	if x.v.marked(name) == 0 {
		t.Error("create marks nothing")
	}
	must(t, x.docker.VolumeRemove(t.Context(), name, false))
	if x.volume(t, name) != nil {
		t.Error("shown after the removal")
	}
}

func TestAPruneOfVolumesShowsThoughItRaisesNoOtherEvent(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("prune")
	for _, suffix := range []string{"a", "b"} {
		shared.Volume(t, name+suffix, map[string]string{name: ""})
		if x.volume(t, name+suffix) == nil {
			t.Fatal("not shown")
		}
	}
	_, err := x.docker.VolumesPrune(t.Context(), filters.NewArgs(filters.Arg("label", name)))
	must(t, err)
	if x.volume(t, name+"a") != nil || x.volume(t, name+"b") != nil {
		t.Error("shown after the prune")
	}
}

func TestAVolumeIsListedAsItIsInspected(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("listed")
	for suffix, options := range map[string]volume.CreateOptions{
		"-plain":   {},
		"-labels":  {Labels: map[string]string{"a": "b", "not/a valid": "label"}},
		"-options": {DriverOpts: map[string]string{"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}},
	} {
		options.Name = name + suffix
		_, err := x.docker.VolumeCreate(t.Context(), options)
		must(t, err)
		t.Cleanup(func() { must(t, x.docker.VolumeRemove(context.Background(), options.Name, true)) })
		listed, err := x.Volumes().List(t.Context())
		must(t, err)
		observed, _, err := x.Volumes().Observe(t.Context(), options.Name)
		must(t, err)
		if len(observed) != 1 || !reflect.DeepEqual(listed[options.Name], observed) {
			t.Errorf("listed: %v\ninspected: %v", listed[options.Name], observed)
		}
	}
}

func TestAVolumeIsFoundByItsNameOnly(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("lookup")
	shared.Volume(t, name, nil)
	if got, err := x.Volumes().Lookup(t.Context(), "engine/"+name); got != name || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, key := range []string{"elsewhere/" + name, "engine/nothing", "engine/.", "engine/..", "engine/../containers/x", "engine/", name, "engine/" + strings.Repeat("x", 256)} {
		if got, err := x.Volumes().Lookup(t.Context(), key); got != "" || err != nil {
			t.Errorf("%q: %q, %v", key, got, err)
		}
	}
	if objects, _, err := x.Volumes().Observe(t.Context(), "../containers/x"); len(objects) != 0 || err != nil {
		t.Errorf("%v, %v", objects, err)
	}
}

func TestAVolumeInUseIsAConflictThatNamesItsContainers(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("used")
	shared.Volume(t, name, nil)
	id := shared.Create(t, name+"-c", func(_ *container.Config, h *container.HostConfig) { h.Binds = []string{name + ":/data"} })
	v := x.volume(t, name)
	if err := x.Volumes().Delete(t.Context(), name, v); code(err) != 409 || !contains(err, "in use") || !contains(err, "used by: "+name+"-c") {
		t.Errorf("%v", err)
	}
	if err := x.Volumes().Delete(byForce(t.Context()), name, v); code(err) != 409 {
		t.Errorf("by force: %v", err)
	}
	must(t, x.docker.ContainerRemove(t.Context(), id, container.RemoveOptions{}))
	must(t, x.Volumes().Delete(t.Context(), name, v))
	if x.volume(t, name) != nil {
		t.Error("shown after the removal")
	}
	if err := x.Volumes().Delete(t.Context(), name, v); code(err) != 404 {
		t.Errorf("again: %v", err)
	}
}

func TestAVolumeMadeAnewUnderTheNameIsKept(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("anew")
	shared.Volume(t, name, nil)
	stale := x.volume(t, name).DeepCopy()
	stale.UID = "of the one before"
	if err := x.Volumes().Delete(t.Context(), name, stale); code(err) != 409 {
		t.Errorf("%v", err)
	}
	if x.volume(t, name) == nil {
		t.Error("it is gone")
	}
	if err := x.Volumes().Delete(t.Context(), "../containers/x", stale); code(err) != 404 {
		t.Errorf("a path: %v", err)
	}
}
