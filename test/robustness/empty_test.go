// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package robustness

import (
	"context"
	"fmt"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
)

// empty removes what the round has made, so that the next round is not slower.
func (r *round) empty(ctx context.Context) {
	docker := r.engine.Client()
	listed, err := docker.ContainerList(ctx, container.ListOptions{All: true})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, c := range listed {
		_ = docker.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true, RemoveVolumes: true}) // fails if it is already being removed
	}
	volumes, err := docker.VolumeList(ctx, volume.ListOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, v := range volumes.Volumes {
		_ = docker.VolumeRemove(ctx, v.Name, true)
	}
	networks, err := docker.NetworkList(ctx, network.ListOptions{Filters: filters.NewArgs(filters.Arg("type", "custom"))})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, n := range networks {
		_ = docker.NetworkRemove(ctx, n.ID)
	}
	images, err := docker.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(filters.Arg("reference", fmt.Sprintf("r%d-*", r.number)))})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, i := range images {
		_, _ = docker.ImageRemove(ctx, i.ID, image.RemoveOptions{Force: true, PruneChildren: true})
	}
	_, _ = docker.ImagesPrune(ctx, filters.NewArgs(filters.Arg("dangling", "true")))
}
