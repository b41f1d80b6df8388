// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"slices"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// keepWhatMeansTheSame gives an updated spec the form of the existing one where both mean the same. The order of a list with
// keys means nothing, and a field that is left out means its default.
func keepWhatMeansTheSame(updated, existing *v1alpha1.ContainerSpec) {
	if updated.RestartPolicy == nil && existing.RestartPolicy != nil {
		updated.RestartPolicy = &v1alpha1.ContainerRestartPolicy{Name: v1alpha1.ContainerRestartNo}
	}
	updated.Resources = withUsual(existing.Resources, updated.Resources)
	updated.Env = inOrderOf(existing.Env, updated.Env)
	updated.Mounts = inOrderOf(existing.Mounts, updated.Mounts)
	updated.Ulimits = inOrderOf(existing.Ulimits, updated.Ulimits)
	updated.Networks = inOrderOf(existing.Networks, updated.Networks)
	if apiequality.Semantic.DeepEqual(withProtocols(updated.Ports), withProtocols(existing.Ports)) {
		updated.Ports = existing.Ports
	}
}

// withUsual returns updated resources that name a limit which a container has anyway if and only if the existing ones do. Such
// limits are swap that is twice the memory, and any number of processes. Docker does not tell whether somebody gave them.
func withUsual(existing, updated *v1alpha1.ContainerResources) *v1alpha1.ContainerResources {
	old, kept := ptr.Deref(existing, v1alpha1.ContainerResources{}), ptr.Deref(updated, v1alpha1.ContainerResources{})
	isUsualSwap := func(swap *resource.Quantity) bool {
		return kept.Memory != nil && swap != nil && swap.Value() == 2*kept.Memory.Value()
	}
	if old.MemorySwap == nil && isUsualSwap(kept.MemorySwap) || kept.MemorySwap == nil && isUsualSwap(old.MemorySwap) {
		kept.MemorySwap = old.MemorySwap
	}
	if ptr.Deref(old.Pids, anyPids) == anyPids && ptr.Deref(kept.Pids, anyPids) == anyPids {
		kept.Pids = old.Pids
	}
	switch {
	case apiequality.Semantic.DeepEqual(old, kept):
		return existing
	case updated == nil:
		return nil
	}
	return &kept
}

// anyPids is the number for any number of processes.
const anyPids = -1

// inOrderOf returns the existing list if updated has the same items, in any order, and else updated.
func inOrderOf[T any](existing, updated []T) []T {
	if len(existing) != len(updated) {
		return updated
	}
	left := slices.Clone(existing)
	for _, item := range updated {
		i := slices.IndexFunc(left, func(other T) bool { return apiequality.Semantic.DeepEqual(item, other) })
		if i < 0 {
			return updated
		}
		left = slices.Delete(left, i, i+1)
	}
	return existing
}

func withProtocols(ports []v1alpha1.ContainerPublishedPort) []v1alpha1.ContainerPublishedPort {
	ports = slices.Clone(ports)
	for i := range ports {
		ports[i].Protocol = containers.ProtocolOf(ports[i])
	}
	return ports
}
