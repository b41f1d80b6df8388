// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// imagePruneFilters are the filters of docker image prune.
var imagePruneFilters = func() filterSet[v1alpha1.Image] {
	set := labelFilters(func(image *v1alpha1.Image) map[string]string { return image.Status.Labels })
	set["until"] = imageFilters["until"]
	return set
}()

func newImagePruneCommand(p *plugin) *cobra.Command {
	c := &prune{plugin: p, some: "all dangling images", every: "all images without at least one container associated to them", title: "Deleted Images:"}
	c.remove = func(ctx context.Context, e *engine, chosen filters.Args) ([]string, error) {
		return e.images().prune(ctx, c.all, chosen, time.Now())
	}
	return c.command("Remove unused images", "Remove all unused images, not just dangling ones", imagePruneFilters.names(), imagePruneFilters.parse)
}

// prune removes the images that no container uses and that the filters choose: all of them, or those that are dangling.
func (i *images) prune(ctx context.Context, all bool, chosen filters.Args, now time.Time) (lines []string, err error) {
	selector := "status.inUse=false"
	if !all {
		selector += ",status.dangling=true"
	}
	list, err := i.List(ctx, metav1.ListOptions{FieldSelector: selector})
	if err != nil {
		return nil, fmt.Errorf("cannot list the images: %w", err)
	}
	candidates, err := chooseImages(list.Items, imagePruneFilters, chosen, now)
	if err != nil {
		return nil, err
	}
	isUnused := func(image *v1alpha1.Image) bool {
		return isFalse(image.Status.InUse) && (all || image.Status.Dangling)
	}
	var (
		removed  []v1alpha1.Image
		problems []error
	)
	for n := range candidates { // one after another, as images may share parents
		image := &candidates[n]
		hasRemoved, err := removeUnused(ctx, image, cmp.Or(image.Status.RepoTag, image.Status.ID), isUnused, i.Get, i.Delete)
		if hasRemoved {
			removed = append(removed, *image)
		}
		problems = append(problems, err)
	}
	left, err := i.List(ctx, metav1.ListOptions{})
	if err != nil { // then do not say that any is gone
		problems = append(problems, fmt.Errorf("cannot list the images that are left: %w", err))
		left = &v1alpha1.ImageList{Items: removed}
	}
	return pruned(removed, left.Items), errors.Join(problems...)
}

// pruned returns lines that say what docker would say of a prune that removed these objects and left those.
func pruned(removed, left []v1alpha1.Image) (lines []string) {
	leftIDs := idsOf(left)
	for n := range removed {
		status := &removed[n].Status
		if status.RepoTag != "" {
			lines = append(lines, "untagged: "+status.RepoTag)
		}
		isLast := !slices.ContainsFunc(removed[n+1:], func(later v1alpha1.Image) bool { return later.Status.ID == status.ID })
		if isLast && !leftIDs.Has(status.ID) {
			for _, digest := range status.RepoDigests {
				lines = append(lines, "untagged: "+digest)
			}
			lines = append(lines, "deleted: "+status.ID)
		}
	}
	return lines
}
