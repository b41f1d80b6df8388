// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/network"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
)

// connectAll connects a container to networks, one after the other.
func connectAll(ctx context.Context, c *connection.Connection, id string, all []attachment) error {
	if len(all) == 0 {
		return nil
	}
	networks, err := listNetworks(ctx, c)
	if err != nil {
		return err
	}
	for _, one := range all {
		networkID, err := networks.find(one.network)
		if err != nil {
			return err
		}
		err = connection.Change(ctx, func(ctx context.Context) error {
			return c.Docker.NetworkConnect(ctx, networkID, id, one.endpoint)
		})
		if err != nil {
			return fmt.Errorf("connecting it to the network %q: %w", one.network, err)
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
	for _, ids := range n {
		for _, id := range ids {
			if id == name {
				return id, nil
			}
		}
	}
	return "", errdefs.ErrNotFound.WithMessage(fmt.Sprintf("network %s not found", name))
}
