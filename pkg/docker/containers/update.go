// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"

	"github.com/docker/docker/api/types/container"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// specChange is what an update changes of the spec of a container.
type specChange struct {
	// update is nil if neither the resources nor the restart policy change.
	update   *container.UpdateConfig
	networks bool
	state    bool
}

// specChangeOf returns the difference between two specs. The difference has been validated.
func specChangeOf(before, after *v1alpha1.Container) (specChange, error) {
	update, err := updateOf(before, after)
	return specChange{
		update:   update,
		networks: !apiequality.Semantic.DeepEqual(before.Spec.Networks, after.Spec.Networks),
		state:    before.Spec.State != after.Spec.State,
	}, err
}

func (c specChange) isEmpty() bool { return c == specChange{} }

// needsFull reports whether the change needs requests that only a server with full access may send.
func (c specChange) needsFull() bool { return c.update != nil || c.networks }

// updateOf returns what Docker's update is asked for, or nil. To Docker, zero means that a value stays as it is.
func updateOf(before, after *v1alpha1.Container) (*container.UpdateConfig, error) {
	update, isChanged := &container.UpdateConfig{}, false
	old, updated := ptr.Deref(before.Spec.Resources, v1alpha1.ContainerResources{}), ptr.Deref(after.Spec.Resources, v1alpha1.ContainerResources{})
	if !apiequality.Semantic.DeepEqual(old, updated) {
		resources, err := resourcesOf(changedResources(old, updated))
		if err != nil {
			return nil, invalid(after, err)
		}
		update.Resources, isChanged = resources, true
	}
	if policy := restartPolicyOf(after.Spec.RestartPolicy); policy != restartPolicyOf(before.Spec.RestartPolicy) {
		update.RestartPolicy, isChanged = policy, true
	}
	if !isChanged {
		return nil, nil
	}
	return update, nil
}

// changedResources returns only those resources that are not as they were.
func changedResources(old, updated v1alpha1.ContainerResources) *v1alpha1.ContainerResources {
	changed := updated
	keep := func(value **resource.Quantity, old *resource.Quantity) {
		if apiequality.Semantic.DeepEqual(*value, old) {
			*value = nil
		}
	}
	keep(&changed.CPU, old.CPU)
	keep(&changed.Memory, old.Memory)
	keep(&changed.MemorySwap, old.MemorySwap)
	keep(&changed.MemoryReservation, old.MemoryReservation)
	if hasNewMemory := changed.Memory != nil || updated.MemorySwap == nil && old.MemorySwap != nil; hasNewMemory && updated.Memory != nil && updated.MemorySwap == nil {
		// Docker sets this default only for new containers.
		changed.MemorySwap = resource.NewQuantity(2*updated.Memory.Value(), resource.BinarySI)
	}
	if changed.Memory != nil && updated.MemorySwap != nil && updated.MemorySwap.Sign() < 0 {
		changed.MemorySwap = updated.MemorySwap // Docker takes more memory than the swap of -1 for a mistake, unless it is told again
	}
	if ptr.Equal(changed.CPUShares, old.CPUShares) {
		changed.CPUShares = nil
	}
	switch {
	case ptr.Equal(changed.Pids, old.Pids):
		changed.Pids = nil
	case changed.Pids == nil:
		changed.Pids = ptr.To[int64](unlimited) // the only limit that Docker takes back
	}
	if changed.Cpuset == old.Cpuset {
		changed.Cpuset = ""
	}
	return &changed
}

// changeSpec carries out a change of the spec while the container has its turn. The resources and the restart policy come
// first, then the networks, and the state comes last. So a container that is started has all else from its beginning. What
// follows an error is not done. warnings are Docker's.
func (s *Source) changeSpec(ctx context.Context, c *connection.Connection, id string, before, after *v1alpha1.Container, change specChange) (warnings []string, err error) {
	if change.update != nil {
		err := connection.Change(ctx, func(ctx context.Context) error {
			response, err := c.Docker.ContainerUpdate(ctx, id, *change.update)
			if err != nil && hasCPUQuota.MatchString(err.Error()) {
				response, err = c.Docker.ContainerUpdate(ctx, id, withCPUQuota(*change.update))
			}
			warnings = response.Warnings
			return err
		})
		if err := s.refused(ctx, id, after, err); err != nil {
			return nil, err
		}
	}
	if change.networks {
		if err := s.refused(ctx, id, after, s.changeNetworks(ctx, c, id, before, after)); err != nil {
			return nil, err
		}
	}
	if change.state {
		return warnings, s.setState(ctx, c, id, after.Name, after.Spec.State)
	}
	return warnings, nil
}

// hasCPUQuota matches Docker's refusal to limit the processor time of a container in another way than it was limited at first.
// Source: UpdateContainer in Docker's container/container_unix.go.
var hasCPUQuota = connection.Fold(`nano cpus cannot be updated as cpu (quota|period) has already been set`)

// withCPUQuota returns an update that limits the processor time as docker run --cpu-quota does.
func withCPUQuota(update container.UpdateConfig) container.UpdateConfig {
	update.CPUPeriod, update.CPUQuota = usualCPUPeriod, update.NanoCPUs/(1e9/usualCPUPeriod)
	update.NanoCPUs = 0
	return update
}

// refused returns the error for Docker's refusal of a change of the spec.
func (s *Source) refused(ctx context.Context, id string, wanted *v1alpha1.Container, err error) error {
	if err == nil {
		return nil
	}
	return creationError(wanted, s.checkNotFound(ctx, id, err))
}
