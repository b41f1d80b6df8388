// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package networks

import (
	"cmp"
	"context"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/network"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// Delete removes the network unless a container is connected to it. Docker cannot force the removal of such a network.
// IDs are never used again, so the network with this ID is the one that the client has seen.
func (s *Source) Delete(ctx context.Context, id string, object runtime.Object) error {
	target := object.(*v1alpha1.Network)
	return s.Client.Operate(ctx, "delete", networkResource, target.Name, func(ctx context.Context, c *connection.Connection) error {
		defer s.MarkDirty(id)
		err := connection.Change(ctx, func(ctx context.Context) error { return c.Docker.NetworkRemove(ctx, id) })
		switch {
		case errdefs.IsNotFound(err):
			return apierrors.NewNotFound(networkResource, target.Name)
		case connection.IsConflict(err):
			return source.InUse(networkResource, target.Name, err, containersIn(ctx, c, id))
		}
		return err
	})
}

// containersIn returns the names of the containers that are connected to the network. It returns nothing if Docker does
// not answer.
func containersIn(ctx context.Context, c *connection.Connection, id string) (users []string) {
	ctx, cancel := context.WithTimeout(ctx, connection.ReadTimeout)
	defer cancel()
	found, err := c.Docker.NetworkInspect(ctx, id, network.InspectOptions{})
	if err != nil {
		return nil
	}
	for _, container := range containersOf(found.Containers) {
		users = append(users, cmp.Or(container.Name, containers.ShortID(container.ID)))
	}
	return users
}
