// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"fmt"

	"github.com/docker/docker/api/types/filters"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// networkPruneFilters are the filters of docker network prune, but for until.
var networkPruneFilters = labelFilters(func(network *v1alpha1.Network) map[string]string { return network.Status.Labels })

func newNetworkPruneCommand(p *plugin) *cobra.Command {
	c := &prune{plugin: p, some: "all custom networks not used by at least one container", title: "Deleted Networks:"}
	c.remove = func(ctx context.Context, e *engine, chosen filters.Args) ([]string, error) {
		return e.networks().prune(ctx, chosen)
	}
	return c.command("Remove all unused networks", "", networkPruneFilters.names(), networkPruneFilters.parse)
}

// prune removes the networks that no running container is connected to and that the filters choose, and returns their names.
func (n *networks) prune(ctx context.Context, chosen filters.Args) (removed []string, err error) {
	list, err := n.List(ctx, metav1.ListOptions{FieldSelector: "metadata.name!=bridge,metadata.name!=host,metadata.name!=none"})
	if err != nil {
		return nil, fmt.Errorf("cannot list the networks: %w", err)
	}
	isUnused := func(network *v1alpha1.Network) bool { return len(network.Status.Containers) == 0 }
	var problems []error
	for i := range list.Items {
		network := &list.Items[i]
		if !isUnused(network) || !networkPruneFilters.choose(chosen, network) {
			continue
		}
		hasRemoved, err := removeUnused(ctx, network, network.Status.Name, isUnused, n.Get, n.Delete)
		if hasRemoved {
			removed = append(removed, network.Status.Name)
		}
		problems = append(problems, err)
	}
	return removed, errors.Join(problems...)
}
