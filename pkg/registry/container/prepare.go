// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"slices"

	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// keepWhatMeansTheSame gives an updated spec the form of the existing one where both mean the same. The order of a list with
// keys means nothing, and a field that is left out means its default.
func keepWhatMeansTheSame(updated, existing *v1alpha1.ContainerSpec) {
	if updated.RestartPolicy == nil && existing.RestartPolicy != nil {
		updated.RestartPolicy = &v1alpha1.ContainerRestartPolicy{Name: v1alpha1.ContainerRestartNo}
	}
	updated.Env = inOrderOf(existing.Env, updated.Env)
	updated.Mounts = inOrderOf(existing.Mounts, updated.Mounts)
	updated.Ulimits = inOrderOf(existing.Ulimits, updated.Ulimits)
	updated.Networks = inOrderOf(existing.Networks, updated.Networks)
	if apiequality.Semantic.DeepEqual(withProtocols(updated.Ports), withProtocols(existing.Ports)) {
		updated.Ports = existing.Ports
	}
}

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
