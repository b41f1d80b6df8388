// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// isNewDeletion reports whether the update begins a graceful deletion or shortens its grace period.
func isNewDeletion(before, after *v1alpha1.Container) bool {
	if after.DeletionTimestamp == nil {
		return false
	}
	return before.DeletionTimestamp == nil || graceOf(after) < graceOf(before)
}

func graceOf(c *v1alpha1.Container) int64 {
	if c.DeletionGracePeriodSeconds == nil {
		return int64(defaultStopTimeout / time.Second)
	}
	return *c.DeletionGracePeriodSeconds
}

// deleteGracefully stops and removes the container after the request has been answered.
func (s *Containers) deleteGracefully(ctx context.Context, id string, before, after *v1alpha1.Container) error {
	if _, err := s.engine.current(); err != nil {
		return err
	}
	grace := graceOf(after)
	observed := metav1.Now().Rfc3339Copy()
	begun := before.DeletionTimestamp != nil
	s.overlays.change(id, func(o *overlay) {
		o.deletionTimestamp, o.gracePeriod = after.DeletionTimestamp.DeepCopy(), grace
	})
	err := s.engine.spawn(ctx, func(ctx context.Context) {
		err := s.call(ctx, id, func(ctx context.Context, c *connection) error {
			if begun {
				// The deletion that is under way removes the container; a second stop shortens its wait.
				return c.client.ContainerStop(ctx, id, container.StopOptions{Timeout: stopSeconds(grace)})
			}
			return s.stopAndRemove(ctx, c, id, grace)
		})
		if err != nil && !begun {
			s.clearDeletion(id)
			s.recordAction(id, v1alpha1.ContainerActionDelete, observed, err)
			s.sink.MarkDirty(id)
		}
	})
	if err != nil {
		s.clearDeletion(id)
		return err
	}
	s.sink.MarkDirty(id)
	return nil
}

func (s *Containers) clearDeletion(id string) {
	s.overlays.change(id, func(o *overlay) { o.deletionTimestamp = nil })
}

func (s *Containers) stopAndRemove(ctx context.Context, c *connection, id string, grace int64) error {
	unlock, err := s.locks.lock(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	err = c.client.ContainerStop(ctx, id, container.StopOptions{Timeout: stopSeconds(grace)})
	if errdefs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	err = c.client.ContainerRemove(ctx, id, container.RemoveOptions{})
	if errdefs.IsNotFound(err) || isInProgress(err) {
		return nil
	}
	return err
}

// Delete removes the container now, by force if the grace period is 0.
func (s *Containers) Delete(ctx context.Context, id string, object runtime.Object) error {
	name, begun := object.(*v1alpha1.Container).Name, object.(*v1alpha1.Container).DeletionTimestamp != nil
	if !fullID.MatchString(id) {
		return apierrors.NewNotFound(containerResource, name)
	}
	force := forced(ctx)
	remove := func(ctx context.Context, c *connection) error {
		err := c.client.ContainerRemove(ctx, id, container.RemoveOptions{Force: force})
		switch {
		case isInProgress(err):
			return waitUntilRemoved(ctx, c, id)
		case errdefs.IsNotFound(err) && begun:
			return nil // the deletion that this one cut short was the faster one to remove it
		}
		return err
	}
	if force {
		// It must not wait for a stop that it is to cut short.
		return s.engine.outlive(ctx, "delete", containerResource, name, func(ctx context.Context) error {
			return s.call(ctx, id, remove)
		})
	}
	return s.inTurn(ctx, "delete", id, name, remove)
}

// waitUntilRemoved waits for the end of a removal that someone else began.
func waitUntilRemoved(ctx context.Context, c *connection, id string) error {
	removed, failed := c.client.ContainerWait(ctx, id, container.WaitConditionRemoved)
	select {
	case response := <-removed:
		if response.Error != nil {
			return fmt.Errorf("removing the container: %s", response.Error.Message)
		}
		return nil
	case err := <-failed:
		if errdefs.IsNotFound(err) {
			return nil
		}
		return err
	}
}
