// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// Delete removes the container now. It forces the removal if the grace period is 0.
func (s *Source) Delete(ctx context.Context, id string, object runtime.Object) error {
	name, begun := object.(*v1alpha1.Container).Name, object.(*v1alpha1.Container).DeletionTimestamp != nil
	if !names.IsFullID(id) {
		return apierrors.NewNotFound(containerResource, name)
	}
	force := source.Forced(ctx)
	call := func(ctx context.Context, c *connection.Connection) error {
		err := s.remove(ctx, c, id, force)
		if errdefs.IsNotFound(err) && begun {
			return nil // a graceful deletion was under way, and it removed the container first
		}
		return err
	}
	if force {
		// Do not wait for the container's turn: the stop that this deletion cuts short has it.
		return s.Client.Outlive(ctx, "delete", containerResource, name, func(ctx context.Context) error {
			return s.call(ctx, id, call)
		})
	}
	return s.inTurn(ctx, "delete", id, name, call)
}

// remove removes the container. If a removal is already under way, it waits for the end of that one.
func (s *Source) remove(ctx context.Context, c *connection.Connection, id string, force bool) error {
	isUnderWay := false
	err := connection.Change(ctx, func(ctx context.Context) error {
		err := c.Docker.ContainerRemove(ctx, id, container.RemoveOptions{Force: force})
		if isUnderWay = connection.IsInProgress(err); isUnderWay {
			return waitUntilRemoved(ctx, c, id)
		}
		return err
	})
	err = s.checkNotFound(ctx, id, err)
	if isUnderWay && errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// stop stops the container within grace seconds.
func stop(ctx context.Context, c *connection.Connection, id string, grace int64) error {
	return connection.Change(ctx, func(ctx context.Context) error {
		return c.Docker.ContainerStop(ctx, id, container.StopOptions{Timeout: stopSeconds(grace)})
	})
}

// waitUntilRemoved waits for the end of a removal that is already under way. It returns a not-found error if the
// removal has ended before.
func waitUntilRemoved(ctx context.Context, c *connection.Connection, id string) error {
	removed, failed := c.Docker.ContainerWait(ctx, id, container.WaitConditionRemoved)
	select {
	case response := <-removed:
		if response.Error != nil {
			return fmt.Errorf("removing the container: %s", response.Error.Message)
		}
		return nil
	case err := <-failed:
		return err
	}
}
