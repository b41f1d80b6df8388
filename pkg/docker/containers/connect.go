// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"fmt"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/network"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
)

// connectAll connects a container to networks, one after the other. The steps have no IDs yet.
func connectAll(ctx context.Context, c *connection.Connection, id string, all []networkStep) error {
	if len(all) == 0 {
		return nil
	}
	networks, err := listNetworks(ctx, c)
	if err != nil {
		return err
	}
	for _, step := range all {
		if step.id, err = networks.find(step.name); err != nil {
			return err
		}
		if err := step.perform(ctx, c, id); err != nil {
			return err
		}
	}
	return nil
}

// networkIDs are the IDs of the engine's networks by name. Docker before 25 has networks with the same name.
type networkIDs map[string][]string

// listNetworks returns the networks that the engine has now.
func listNetworks(ctx context.Context, c *connection.Connection) (networkIDs, error) {
	ctx, cancel := context.WithTimeout(ctx, connection.ReadTimeout)
	defer cancel()
	listed, err := c.Docker.NetworkList(ctx, network.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing the networks: %w", err)
	}
	ids := networkIDs{}
	for _, one := range listed {
		if names.IsNetworkID(one.ID) {
			ids[one.Name] = append(ids[one.Name], one.ID)
		}
	}
	return ids, nil
}

// find returns the ID of the only network with that name. As in Docker, a full ID is a name as well.
func (n networkIDs) find(name string) (id string, err error) {
	switch found := n[name]; len(found) {
	case 1:
		return found[0], nil
	case 0:
	default:
		return "", errdefs.ErrConflict.WithMessage(fmt.Sprintf("%d networks have the name %q: give the ID of one of them", len(found), name))
	}
	if n.has(name) {
		return name, nil
	}
	return "", errdefs.ErrNotFound.WithMessage(fmt.Sprintf("network %s not found", name))
}

// has reports whether a network has that full ID.
func (n networkIDs) has(id string) bool {
	for _, ids := range n {
		if slices.Contains(ids, id) {
			return true
		}
	}
	return false
}
