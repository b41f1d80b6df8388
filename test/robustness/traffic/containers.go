// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"context"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/checkers"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

var containerOperations = []operation{
	{14, (*writer).createContainer},
	{10, overDocker(checkers.Start, func(w *writer, ctx context.Context, id string) error {
		return w.Docker.ContainerStart(ctx, id, container.StartOptions{})
	})},
	{4, overDocker(checkers.Stop, func(w *writer, ctx context.Context, id string) error {
		return w.Docker.ContainerStop(ctx, id, container.StopOptions{})
	})},
	{3, overDocker(checkers.Die, func(w *writer, ctx context.Context, id string) error {
		return w.Docker.ContainerKill(ctx, id, "KILL")
	})},
	{2, overDocker(checkers.Restart, func(w *writer, ctx context.Context, id string) error {
		return w.Docker.ContainerRestart(ctx, id, container.StopOptions{})
	})},
	{4, overDocker(checkers.Pause, func(w *writer, ctx context.Context, id string) error { return w.Docker.ContainerPause(ctx, id) })},
	{6, overDocker(checkers.Unpause, func(w *writer, ctx context.Context, id string) error { return w.Docker.ContainerUnpause(ctx, id) })},
	{4, overDocker("", func(w *writer, ctx context.Context, id string) error {
		_, err := w.Docker.ContainerUpdate(ctx, id, container.UpdateConfig{Resources: container.Resources{CPUShares: 512}})
		return err
	})},
	{6, overAPI(checkers.Run, `{"spec":{"state":"running"}}`)},
	{4, overAPI(checkers.Halt, `{"spec":{"state":"created"}}`)},
	{4, overAPI(checkers.Suspend, `{"spec":{"state":"paused"}}`)},
	{3, overAPI(checkers.Restart, `{"metadata":{"annotations":{"containers.rancherdesktop.io/action":"restart"}}}`)},
	{5, (*writer).renameContainer},
	{6, (*writer).removeContainer},
	{3, (*writer).deleteContainerNow},
	{2, (*writer).deleteContainer},
	{3, (*writer).runJob},
	{2, (*writer).pruneContainers},
}

func status(id, action string) step {
	// Docker answers a kill before the container is dead.
	return step{kind: checkers.ContainerStatus, register: id, action: action, later: action == checkers.Die}
}

// thaw is the effect of a signal on a paused container. Docker unpauses the container before or soon after it answers, so for a
// moment the container runs (killWithSignal in Docker's daemon/kill.go).
func thaw(id string) step {
	s := status(id, checkers.Unpause)
	s.later = true
	return s
}

func owner(name, value string) step {
	return step{kind: checkers.Owner, register: name, action: checkers.Set, value: value}
}

func effects(id, action string) []step {
	if action == "" {
		return nil
	}
	switch action {
	case checkers.Restart:
		return []step{status(id, action), status(id, checkers.Die)}
	case checkers.Stop, checkers.Halt, checkers.Die:
		return []step{thaw(id), status(id, action)}
	}
	return []step{status(id, action)}
}

func (w *writer) create(ctx context.Context, name string, labels map[string]string, host *container.HostConfig, command ...string) (container.CreateResponse, error) {
	config := engine.Config(command...)
	config.Labels = labels
	return w.Docker.ContainerCreate(ctx, config, host, nil, nil, name)
}

func (w *writer) createContainer(ctx context.Context) (string, error) {
	s := w.take(w.Containers, isFree)
	if s == nil {
		return "", nil
	}
	defer s.Unlock()
	began := w.Recorder.Now()
	created, err := w.create(ctx, s.Name, w.label(), nil)
	switch outcome := outcomeOf(err); {
	case outcome == history.Done:
		w.record(began, err, status(created.ID, checkers.Create), owner(s.Name, created.ID))
		s.set(created.ID)
	case outcome == history.Unknown:
		w.taint(s.Name) // the container may exist, and nobody knows its ID
	case w.isTainted(s.Name):
		_ = w.Docker.ContainerRemove(ctx, s.Name, container.RemoveOptions{Force: true}) // so that the next container can have the name
	}
	return "create " + s.Name, err
}

// overDocker returns an operation that calls Docker with the ID of a container. If action is "", the call does not change the
// status.
func overDocker(action string, call func(*writer, context.Context, string) error) func(*writer, context.Context) (string, error) {
	return func(w *writer, ctx context.Context) (string, error) {
		s := w.take(w.Containers, isTaken)
		if s == nil {
			return "", nil
		}
		defer s.Unlock()
		began, id := w.Recorder.Now(), s.ID()
		err := call(w, ctx, id)
		w.record(began, err, effects(id, action)...)
		return fmt.Sprintf("docker %s %s", action, s.Name), err
	}
}

// overAPI returns an operation that patches a container by its name. A restart is a command in an annotation. Its failure is
// only a warning, so its effects are recorded as ones that may not come at all. If the server shows another engine before the
// patch is complete, it answers with 404 although the patch may have had its effect.
func overAPI(action, patch string) func(*writer, context.Context) (string, error) {
	return func(w *writer, ctx context.Context) (string, error) {
		s := w.take(w.Containers, isTaken)
		if s == nil {
			return "", nil
		}
		defer s.Unlock()
		began, id := w.Recorder.Now(), s.ID()
		_, err := w.API.Containers(w.Namespace).Patch(ctx, s.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		w.missed(began, s.Name, err)
		steps := effects(id, action)
		for i := range steps {
			steps[i].later = steps[i].later || action == checkers.Restart
		}
		w.recordIfGone(began, err, steps...)
		return fmt.Sprintf("api patch %s %s", s.Name, patch), err
	}
}

// missed records an answer of 404 as a read: no object had the name.
func (w *writer) missed(began time.Duration, name string, err error) {
	if apierrors.IsNotFound(err) {
		w.record(began, nil, step{kind: checkers.Owner, register: name, action: history.Read, value: history.Absent})
	}
}

func (w *writer) renameContainer(ctx context.Context) (string, error) {
	from := w.take(w.Containers, isTaken)
	if from == nil {
		return "", nil
	}
	defer from.Unlock()
	to := w.take(w.Containers, isFree)
	if to == nil {
		return "", nil
	}
	defer to.Unlock()
	began, id := w.Recorder.Now(), from.ID()
	err := w.Docker.ContainerRename(ctx, id, to.Name)
	w.record(began, err, owner(from.Name, history.Absent), owner(to.Name, id))
	did := fmt.Sprintf("docker rename %s %s", from.Name, to.Name)
	if outcomeOf(err) == history.Unknown { // only Docker knows which name the container has
		if found, inspectErr := w.Docker.ContainerInspect(ctx, id); inspectErr != nil {
			w.taint(from.Name)
			w.taint(to.Name)
		} else if found.Name != "/"+to.Name {
			return did, err
		}
	}
	if err == nil || outcomeOf(err) == history.Unknown {
		from.set("")
		to.set(id)
	}
	return did, err
}

func (w *writer) removeContainer(ctx context.Context) (string, error) {
	return w.remove(ctx, "docker rm -f", func(id, _ string) error {
		return w.Docker.ContainerRemove(ctx, id, container.RemoveOptions{Force: true})
	})
}

func (w *writer) deleteContainerNow(ctx context.Context) (string, error) {
	return w.remove(ctx, "api delete --force", func(_, name string) error {
		return w.API.Containers(w.Namespace).Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
	})
}

func (w *writer) remove(ctx context.Context, how string, call func(id, name string) error) (string, error) {
	s := w.take(w.Containers, isTaken)
	if s == nil {
		return "", nil
	}
	defer s.Unlock()
	began, id := w.Recorder.Now(), s.ID()
	err := call(id, s.Name)
	w.missed(began, s.Name, err)
	w.recordIfGone(began, err, thaw(id), status(id, checkers.Die), status(id, checkers.Remove), owner(s.Name, history.Absent))
	if outcomeOf(err) != refused || isGone(err) {
		s.set("")
	}
	return fmt.Sprintf("%s %s", how, s.Name), err
}

// deleteContainer deletes a container with its grace period. The server answers before Docker has stopped and removed the
// container, so all effects may come later.
func (w *writer) deleteContainer(ctx context.Context) (string, error) {
	s := w.take(w.Containers, isTaken)
	if s == nil {
		return "", nil
	}
	defer s.Unlock()
	began, id := w.Recorder.Now(), s.ID()
	err := w.API.Containers(w.Namespace).Delete(ctx, s.Name, metav1.DeleteOptions{})
	w.missed(began, s.Name, err)
	steps := []step{thaw(id), status(id, checkers.Stop), status(id, checkers.Remove), owner(s.Name, history.Absent)}
	for i := range steps {
		steps[i].later = true
	}
	w.recordIfGone(began, err, steps...)
	if outcomeOf(err) != refused || isGone(err) {
		s.set("")
	}
	return "api delete " + s.Name, err
}

// runJob runs a container whose command ends on its own. No reader looks at its name.
func (w *writer) runJob(ctx context.Context) (string, error) {
	name := fmt.Sprintf("%s-job-%d", w.Prefix, w.serial.Add(1))
	autoRemove := w.random.IntN(2) == 0
	did := fmt.Sprintf("docker run %s, removing itself: %v", name, autoRemove)
	created, err := w.create(ctx, name, w.label(), &container.HostConfig{AutoRemove: autoRemove}, "sh", "-c", "exit 3")
	if err != nil {
		return did, err
	}
	if err := w.Docker.ContainerStart(ctx, created.ID, container.StartOptions{}); err != nil || autoRemove {
		return did, err
	}
	if w.random.IntN(2) == 0 {
		return did, nil // the container stays
	}
	return did, w.Docker.ContainerRemove(ctx, created.ID, container.RemoveOptions{Force: true})
}

// pruneContainers makes containers with a label of their own, and prunes them by this label. No reader looks at their names.
func (w *writer) pruneContainers(ctx context.Context) (string, error) {
	batch := fmt.Sprintf("%s-prune-%d", w.Prefix, w.serial.Add(1))
	for i := range 2 {
		_, err := w.create(ctx, fmt.Sprintf("%s-%d", batch, i), map[string]string{"batch": batch}, nil)
		if err != nil {
			return "docker create " + batch, err
		}
	}
	_, err := w.Docker.ContainersPrune(ctx, filters.NewArgs(filters.Arg("label", "batch="+batch)))
	return "docker container prune " + batch, err
}
