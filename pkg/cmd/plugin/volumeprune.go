// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/docker/docker/api/types/filters"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// volumePruneFilters are the filters of docker volume prune.
var volumePruneFilters = labelFilters(func(volume *v1alpha1.Volume) map[string]string { return volume.Status.Labels })

func newVolumePruneCommand(p *plugin) *cobra.Command {
	c := &prune{plugin: p, some: "anonymous local volumes not used by at least one container",
		every: "all local volumes not used by at least one container", title: "Deleted Volumes:"}
	c.remove = func(ctx context.Context, e *engine, chosen filters.Args) ([]string, error) {
		return e.volumes().prune(ctx, c.all, chosen)
	}
	return c.command("Remove unused local volumes", "Remove all unused volumes, not just anonymous ones", volumePruneFilters.names(), volumePruneFilters.parse)
}

// prune removes the volumes that no container uses and that the filters choose: all of them, or those without a name. As
// docker, it leaves alone those of other drivers.
func (v *volumes) prune(ctx context.Context, all bool, chosen filters.Args) (lines []string, err error) {
	selector := "status.inUse=false,status.driver=local"
	if !all {
		selector += ",status.anonymous=true"
	}
	list, err := v.List(ctx, metav1.ListOptions{FieldSelector: selector})
	if err != nil {
		return nil, fmt.Errorf("cannot list the volumes: %w", err)
	}
	candidates := slices.DeleteFunc(list.Items, func(volume v1alpha1.Volume) bool { return !volumePruneFilters.choose(chosen, &volume) })
	isUnused := func(volume *v1alpha1.Volume) bool {
		return isFalse(volume.Status.InUse) && (all || volume.Status.Anonymous)
	}
	var problems []error
	for n := range candidates {
		volume := &candidates[n]
		hasRemoved, err := removeUnused(ctx, volume, volume.Status.Name, isUnused, v.Get, v.Delete)
		if hasRemoved {
			lines = append(lines, volume.Status.Name)
		}
		problems = append(problems, err)
	}
	return lines, errors.Join(problems...)
}
