// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// applied is a configuration that kubectl has applied.
var applied = map[string]string{corev1.LastAppliedConfigAnnotation: "{}"}

func newVolume(name string) *v1alpha1.Volume {
	return &v1alpha1.Volume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "shop"}, Annotations: applied},
		Spec:       v1alpha1.VolumeSpec{Driver: "local", Labels: map[string]string{"not a label": "x"}},
	}
}

func newNetwork(name string) *v1alpha1.Network {
	return &v1alpha1.Network{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "shop"}, Annotations: applied},
		Spec:       v1alpha1.NetworkSpec{Driver: "bridge", Internal: true, Labels: map[string]string{"not a label": "x"}},
	}
}

func TestACreatedVolumeIsInDockerAndShows(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("Made_")
	subject, err := x.Volumes().Create(t.Context(), "engine/"+name, newVolume(name))
	dockertest.Must(t, err)
	t.Cleanup(func() { dockertest.Must(t, x.docker.VolumeRemove(context.Background(), name, true)) })
	found, err := x.docker.VolumeInspect(t.Context(), name)
	dockertest.Must(t, err)
	v := x.volume(t, name)
	if len(found.Labels) != 2 || v == nil || subject != x.volumeSubject(name) || v.Labels["app"] != "shop" || v.Spec.Labels["not a label"] != "x" || v.Annotations[corev1.LastAppliedConfigAnnotation] != "{}" {
		t.Errorf("%+v, %+v", found, v)
	}
	if _, err := x.Volumes().Create(t.Context(), "engine/"+name, newVolume(name)); !apierrors.IsAlreadyExists(err) {
		t.Errorf("%v, want AlreadyExists", err)
	}
	changed := v.DeepCopy()
	changed.Annotations = nil
	dockertest.Must(t, x.Volumes().Update(t.Context(), subject, v, changed))
	if v := x.volume(t, name); v == nil || len(v.Annotations) > 0 {
		t.Errorf("after an update without it, the annotation is still there: %+v", v)
	}
}

func TestACreatedNetworkIsInDockerAndShows(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("Made_")
	id, err := x.Networks().Create(t.Context(), "engine/"+name, newNetwork(name))
	dockertest.Must(t, err)
	t.Cleanup(func() { dockertest.Must(t, x.docker.NetworkRemove(context.Background(), id)) })
	found, err := x.docker.NetworkInspect(t.Context(), name, network.InspectOptions{})
	dockertest.Must(t, err)
	n := x.network(t, name)
	if found.ID != id || !found.Internal || len(found.Labels) != 2 || n == nil || n.Labels["app"] != "shop" || n.Spec.Labels["not a label"] != "x" || n.Annotations[corev1.LastAppliedConfigAnnotation] != "{}" {
		t.Errorf("%+v, %+v", found, n)
	}
	if _, err := x.Networks().Create(t.Context(), "engine/"+name, newNetwork(name)); !apierrors.IsAlreadyExists(err) {
		t.Errorf("%v, want AlreadyExists", err)
	}
	changed := n.DeepCopy()
	changed.Annotations = nil
	dockertest.Must(t, x.Networks().Update(t.Context(), id, n, changed))
	if n := x.network(t, name); n == nil || len(n.Annotations) > 0 {
		t.Errorf("after an update without it, the annotation is still there: %+v", n)
	}
}

func TestAVolumeThatComesAfterAnotherOfItsNameHasALifeOfItsOwn(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("again")
	var subjects []string
	for range 3 {
		subject, err := x.Volumes().Create(t.Context(), "engine/"+name, newVolume(name))
		dockertest.Must(t, err)
		if v := x.volume(t, name); v == nil || len(v.Annotations) != 1 {
			t.Errorf("%+v", v)
		}
		subjects = append(subjects, subject)
		dockertest.Must(t, x.docker.VolumeRemove(t.Context(), name, false))
	}
	if subjects[0] == subjects[1] || subjects[1] == subjects[2] {
		t.Errorf("the subjects are %q", subjects)
	}
}

func TestOfManyCreationsOfANameOneSucceeds(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("raced")
	for kind, create := range map[string]func() error{
		"volumes":  func() error { _, err := x.Volumes().Create(t.Context(), "engine/"+name, newVolume(name)); return err },
		"networks": func() error { _, err := x.Networks().Create(t.Context(), "engine/"+name, newNetwork(name)); return err },
	} {
		var made atomic.Int32
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if err := create(); err == nil {
					made.Add(1)
				} else if !apierrors.IsAlreadyExists(err) {
					t.Errorf("%s: %v", kind, err)
				}
			})
		}
		group.Wait()
		if n := made.Load(); n != 1 {
			t.Errorf("%s: %d were made", kind, n)
		}
	}
	dockertest.Must(t, x.docker.VolumeRemove(t.Context(), name, false))
	dockertest.Must(t, x.docker.NetworkRemove(t.Context(), name))
}

// TestAVolumeOfAnotherClientIsNotTakenForANewOne has an engine answer as if another client had made the volume between the
// look and the creation.
func TestAVolumeOfAnotherClientIsNotTakenForANewOne(t *testing.T) {
	f := startFake(t)
	x := connectFake(t, f)
	for what, handle := range map[string]http.HandlerFunc{
		"another volume": func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusCreated, volume.Volume{Name: "data", Driver: "local", Labels: map[string]string{"app": "other"}})
		},
		"another driver": func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusConflict, map[string]string{"message": `create data: conflict: volume name must be unique`})
		},
	} {
		f.handle("POST /volumes/create", handle)
		if _, err := x.Volumes().Create(t.Context(), "engine/data", newVolume("data")); !apierrors.IsAlreadyExists(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	f.fail("POST /networks/create", http.StatusConflict, "network with name back already exists")
	if _, err := x.Networks().Create(t.Context(), "engine/back", newNetwork("back")); !apierrors.IsAlreadyExists(err) {
		t.Error(err)
	}
}

func TestACreationWhoseAnswerIsLostIsNotRetried(t *testing.T) {
	f := startFake(t)
	x := connectFake(t, f)
	abort := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	f.handle("POST /volumes/create", abort)
	f.handle("POST /networks/create", abort)
	_, volumeErr := x.Volumes().Create(t.Context(), "engine/data", newVolume("data"))
	_, networkErr := x.Networks().Create(t.Context(), "engine/back", newNetwork("back"))
	for kind, err := range map[string]error{"volume": volumeErr, "network": networkErr} {
		if !apierrors.IsServiceUnavailable(err) || isRetried(err) || !dockertest.Contains(err, "may have carried it out") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
