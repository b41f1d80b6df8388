// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/volume"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
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
	dockertest.Must(t, x.docker.VolumeRemove(t.Context(), name, false))
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
	dockertest.Must(t, err)
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
		dockertest.Must(t, err)
		t.Cleanup(func() { dockertest.Must(t, x.docker.VolumeRemove(context.Background(), options.Name, true)) })
		listed, err := x.Volumes().List(t.Context())
		dockertest.Must(t, err)
		subject := x.volumeSubject(options.Name)
		observed, _, err := x.Volumes().Observe(t.Context(), subject)
		dockertest.Must(t, err)
		if len(observed) != 1 || !reflect.DeepEqual(listed[subject], observed) {
			t.Errorf("the list shows %v\nthe inspection shows %v", listed[subject], observed)
		}
	}
}

func TestAVolumeThatDockerDoesNotInspectInTimeShowsAsItIsListed(t *testing.T) {
	f := startFake(t)
	f.handle("GET /volumes", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, volume.ListResponse{Volumes: []*volume.Volume{{Name: "hangs", Driver: "plugin"}}})
	})
	f.handle("GET /volumes/hangs", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	x := connectTo(t, f.host(), func(e *Engine) { e.client.InspectTimeout = 10 * time.Millisecond })
	eventually(t, "the volume", func() bool {
		objects, _, err := x.Volumes().Observe(t.Context(), x.volumeSubject("hangs"))
		return err == nil && len(objects) == 1
	})
}

func TestAVolumeIsFoundByItsNameOnly(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("lookup")
	shared.Volume(t, name, nil)
	if got, err := x.Volumes().Lookup(t.Context(), "engine/"+name); got != x.volumeSubject(name) || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, key := range []string{"elsewhere/" + name, "engine/nothing", "engine/.", "engine/..", "engine/../containers/x", "engine/", name, "engine/" + strings.Repeat("x", 256), "engine/a b", "engine/\xff", "engine/a~b-0123456789"} {
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
	if err := x.Volumes().Delete(t.Context(), x.volumeSubject(name), v); dockertest.Code(err) != 409 || !dockertest.Contains(err, "in use") || !dockertest.Contains(err, "used by: "+name+"-c") {
		t.Errorf("%v", err)
	}
	if err := x.Volumes().Delete(byForce(t.Context()), x.volumeSubject(name), v); dockertest.Code(err) != 409 {
		t.Errorf("forced delete: %v", err)
	}
	dockertest.Must(t, x.docker.ContainerRemove(t.Context(), id, container.RemoveOptions{}))
	dockertest.Must(t, x.Volumes().Delete(t.Context(), x.volumeSubject(name), v))
	if x.volume(t, name) != nil {
		t.Error("shown after the removal")
	}
	if err := x.Volumes().Delete(t.Context(), x.volumeSubject(name), v); dockertest.Code(err) != 404 {
		t.Errorf("second delete: %v", err)
	}
}

func TestAVolumeStaysTheSameWhenItsContentChanges(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("written")
	shared.Volume(t, name, nil)
	before := x.volume(t, name)
	for _, change := range []time.Duration{-time.Hour, time.Hour} {
		at := before.Status.CreatedAt.Add(change)
		dockertest.Must(t, os.Chtimes(before.Status.Mountpoint, at, at)) // before Docker 23, a write changes the volume's creation time like this
		x.v.MarkDirty(x.volumeSubject(name))
		if after := x.volume(t, name); !reflect.DeepEqual(before, after) {
			t.Errorf("the volume was\n%+v\nand is\n%+v", before, after)
		}
	}
	if again := connect(t).volume(t, name); again.UID != before.UID {
		t.Error("a new server shows another uid")
	}
}

func TestAVolumeMadeAnewIsAnotherSubject(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("again")
	for _, remove := range []func() error{
		func() error { return x.docker.VolumeRemove(t.Context(), name, false) },
		func() error { return x.Volumes().Delete(t.Context(), x.volumeSubject(name), x.volume(t, name)) },
	} {
		_, err := x.docker.VolumeCreate(t.Context(), volumeOptions(name))
		dockertest.Must(t, err)
		x.volume(t, name)
		former := x.volumeSubject(name)
		dockertest.Must(t, remove())
		shared.Volume(t, name, nil)
		if x.volume(t, name) == nil || x.volumeSubject(name) == former {
			t.Errorf("the new volume is not shown, or it has the subject of the former one, %s", former)
		}
		if objects, _, err := x.Volumes().Observe(t.Context(), former); len(objects) > 0 || err != nil {
			t.Errorf("the former volume shows as %v, %v", objects, err)
		}
		if err := x.Volumes().Delete(t.Context(), former, x.volume(t, name)); dockertest.Code(err) != 409 || !dockertest.Contains(err, "made anew") {
			t.Errorf("delete of the former volume: %v", err)
		}
	}
}

func TestARemovalIsHeardOnceWhateverConnectionBringsIt(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("once")
	_, err := x.docker.VolumeCreate(t.Context(), volumeOptions(name))
	dockertest.Must(t, err)
	dockertest.Must(t, x.docker.VolumeRemove(t.Context(), name, false))
	shared.Volume(t, name, nil)
	x.volume(t, name)
	subject := x.volumeSubject(name)
	c, err := x.client.Current()
	dockertest.Must(t, err)
	c.Fail(errGone)
	eventually(t, "another connection", func() bool {
		now, err := x.client.Current()
		return err == nil && now != c && x.Check() == nil
	})
	if x.volume(t, name) == nil || x.volumeSubject(name) != subject {
		t.Error("the new connection ended the life of the volume")
	}
}

func TestAVolumeMadeAnewUnderTheNameIsKept(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("anew")
	shared.Volume(t, name, nil)
	stale := x.volume(t, name).DeepCopy()
	stale.UID = "of the one before"
	if err := x.Volumes().Delete(t.Context(), x.volumeSubject(name), stale); dockertest.Code(err) != 409 {
		t.Errorf("%v", err)
	}
	if x.volume(t, name) == nil {
		t.Error("the volume is gone")
	}
	if err := x.Volumes().Delete(t.Context(), "../containers/x", stale); dockertest.Code(err) != 404 {
		t.Errorf("delete of a path: %v", err)
	}
}
