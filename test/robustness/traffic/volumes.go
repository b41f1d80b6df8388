// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"context"
	"fmt"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/volume"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// There is the value of an owner register if an object has the name, but has no ID that tells it from another object.
const There = "there"

var volumeOperations = []operation{
	{12, (*writer).createVolume},
	{2, (*writer).createVolumeAgain},
	{5, removeVolume("docker volume rm", func(w *writer, ctx context.Context, name string) error {
		return w.Docker.VolumeRemove(ctx, name, false)
	})},
	{4, removeVolume("api delete volume", func(w *writer, ctx context.Context, name string) error {
		return w.API.Volumes(w.Namespace).Delete(ctx, name, metav1.DeleteOptions{})
	})},
	{2, (*writer).pruneVolumes},
}

func (w *writer) createVolume(ctx context.Context) (string, error) {
	s := w.take(w.Volumes, isFree)
	if s == nil {
		return "", nil
	}
	defer s.Unlock()
	began := w.Recorder.Now()
	_, err := w.Docker.VolumeCreate(ctx, volume.CreateOptions{Name: s.Name, Labels: w.label()})
	w.record(began, err, owner(s.Name, There))
	if outcomeOf(err) != refused {
		s.set(There)
	}
	return "docker volume create " + s.Name, err
}

// createVolumeAgain creates a volume that exists. This changes nothing, but some engines raise an event.
func (w *writer) createVolumeAgain(ctx context.Context) (string, error) {
	s := w.take(w.Volumes, isTaken)
	if s == nil {
		return "", nil
	}
	defer s.Unlock()
	began := w.Recorder.Now()
	_, err := w.Docker.VolumeCreate(ctx, volume.CreateOptions{Name: s.Name, Labels: w.label()})
	w.record(began, err, owner(s.Name, There))
	return "docker volume create, again, " + s.Name, err
}

func removeVolume(how string, call func(*writer, context.Context, string) error) func(*writer, context.Context) (string, error) {
	return func(w *writer, ctx context.Context) (string, error) {
		s := w.take(w.Volumes, isTaken)
		if s == nil {
			return "", nil
		}
		defer s.Unlock()
		began := w.Recorder.Now()
		err := call(w, ctx, s.Name)
		w.missed(began, s.Name, err)
		w.recordIfGone(began, err, owner(s.Name, history.Absent))
		if outcomeOf(err) != refused || isGone(err) {
			s.set("")
		}
		return fmt.Sprintf("%s %s", how, s.Name), err
	}
}

// pruneVolumes makes volumes with a label of their own, and prunes them by this label.
func (w *writer) pruneVolumes(ctx context.Context) (string, error) {
	batch := fmt.Sprintf("%s-prune-%d", w.Prefix, w.serial.Add(1))
	for i := range 3 {
		_, err := w.Docker.VolumeCreate(ctx, volume.CreateOptions{Name: fmt.Sprintf("%s-%d", batch, i), Labels: map[string]string{"batch": batch}})
		if err != nil {
			return "docker volume create " + batch, err
		}
	}
	_, err := w.Docker.VolumesPrune(ctx, filters.NewArgs(filters.Arg("label", "batch="+batch)))
	return "docker volume prune " + batch, err
}
