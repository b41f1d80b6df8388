// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/docker/docker/api/types/network"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
)

// networkStep connects a container to a network, disconnects it, or does one after the other.
type networkStep struct {
	name, id string
	// leave is true if the container is disconnected. join is nil if it is not connected.
	leave bool
	join  *network.EndpointSettings
	// earlier is how the container is connected to a network that it leaves and joins again.
	earlier *network.EndpointSettings
}

// changeNetworks connects a container to the networks that the updated spec has, and disconnects it from all others that it
// is on now. It makes no call if one of the networks is not there.
func (s *Source) changeNetworks(ctx context.Context, c *connection.Connection, id string, before, after *v1alpha1.Container) error {
	inspected, err := s.inspect(ctx, id)
	switch {
	case err != nil:
		return err
	case inspected == nil:
		return apierrors.NewNotFound(containerResource, after.Name)
	}
	known, err := listNetworks(ctx, c)
	if err != nil {
		return err
	}
	now := map[string]*network.EndpointSettings{}
	if inspected.NetworkSettings != nil {
		now = inspected.NetworkSettings.Networks
	}
	wanted := after.Spec.Networks
	if host := inspected.HostConfig; len(wanted) == 0 && host != nil && isDefaultNetwork(host.NetworkMode) {
		wanted = defaultOf(now) // as in the spec of a new container
	}
	steps, wrong := networkSteps(now, before.Spec.Networks, wanted, known)
	if len(wrong) > 0 {
		return invalid(after, wrong...)
	}
	for _, step := range steps {
		if err := step.perform(ctx, c, id); err != nil {
			return err
		}
	}
	return nil
}

// defaultOf returns the default network if a container is on it now. A container whose spec names no network is on that one.
func defaultOf(now map[string]*network.EndpointSettings) (networks []v1alpha1.ContainerNetworkAttachment) {
	for name := range now {
		if usualNetworks.Has(name) {
			networks = append(networks, v1alpha1.ContainerNetworkAttachment{Name: name})
		}
	}
	return networks
}

// networkSteps returns the steps that lead from the networks that a container is on now to those of the updated spec. It
// joins networks before it leaves others, so that a container does not lose its last one meanwhile. Only the network none
// comes first, because Docker lets it be combined with no other.
func networkSteps(now map[string]*network.EndpointSettings, before, after []v1alpha1.ContainerNetworkAttachment, known networkIDs) (steps []networkStep, wrong field.ErrorList) {
	wanted := map[string]bool{}
	for i, attached := range after {
		wanted[attached.Name] = true
		endpoint, isOn := now[attached.Name]
		was := slices.IndexFunc(before, func(b v1alpha1.ContainerNetworkAttachment) bool { return b.Name == attached.Name })
		if isOn && (was < 0 || apiequality.Semantic.DeepEqual(before[was], attached)) {
			continue
		}
		step := networkStep{name: attached.Name, leave: isOn, join: endpointOf(attached)}
		if isOn {
			step.earlier = endpointOf(before[was])
		}
		var err error
		if step.id, err = known.idOf(attached.Name, endpoint); err != nil {
			wrong = append(wrong, field.Invalid(specPath.Child("networks").Index(i).Child("name"), attached.Name, connection.Words(err)))
		}
		steps = append(steps, step)
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if wanted[name] {
			continue
		}
		id, err := known.idOf(name, now[name])
		if err != nil {
			wrong = append(wrong, field.Invalid(specPath.Child("networks"), name, "the container cannot leave it: "+connection.Words(err)))
		}
		steps = append(steps, networkStep{name: name, id: id, leave: true})
	}
	slices.SortStableFunc(steps, func(a, b networkStep) int { return cmp.Compare(b.isLeaveOfNone(), a.isLeaveOfNone()) })
	return steps, wrong
}

func (n networkStep) isLeaveOfNone() int {
	if n.name == network.NetworkNone && n.join == nil {
		return 1
	}
	return 0
}

// idOf returns the ID of the network that a container is connected to as endpoint says, or of the one with that name. Docker
// writes down the ID when it starts the container. That ID is outdated if the network was made anew since then. Docker makes the
// default bridge anew at each start of its own.
func (n networkIDs) idOf(name string, endpoint *network.EndpointSettings) (string, error) {
	if endpoint != nil && n.has(endpoint.NetworkID) {
		return endpoint.NetworkID, nil
	}
	return n.find(name)
}

// perform makes the calls of a step. If the container cannot be connected again in another way, it is connected as it was
// before.
func (n networkStep) perform(ctx context.Context, c *connection.Connection, id string) error {
	if !names.IsNetworkID(n.id) {
		return fmt.Errorf("the network %q has the ID %q, which is none", n.name, n.id)
	}
	if n.leave {
		err := connection.Change(ctx, func(ctx context.Context) error { return c.Docker.NetworkDisconnect(ctx, n.id, id, false) })
		if err != nil {
			return fmt.Errorf("disconnecting it from the network %q: %w", n.name, err)
		}
	}
	if n.join == nil {
		return nil
	}
	err := n.connect(ctx, c, id, n.join)
	if err != nil && n.earlier != nil {
		if undone := n.connect(ctx, c, id, n.earlier); undone != nil {
			return fmt.Errorf("%w. It could not be connected as before: %s", err, connection.Words(undone))
		}
	}
	return err
}

func (n networkStep) connect(ctx context.Context, c *connection.Connection, id string, endpoint *network.EndpointSettings) error {
	err := connection.Change(ctx, func(ctx context.Context) error { return c.Docker.NetworkConnect(ctx, n.id, id, endpoint) })
	if err != nil {
		return fmt.Errorf("connecting it to the network %q: %w", n.name, err)
	}
	return nil
}
