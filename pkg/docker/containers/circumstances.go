// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/client"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
)

// circumstances are what a spec depends on beside Docker's inspection of the container.
type circumstances struct {
	// image is the configuration of the container's image. It is nil if it is not known.
	image *imageConfig
	// usual are the engine's own defaults. They are nil if they are not known.
	usual *engineDefaults
	// names are the names of the containers that the container shares something with, by ID.
	names map[string]string
}

// mayChange reports whether the circumstances may be others while Docker's inspection of the container stays the same.
func (c *circumstances) mayChange() bool { return c.image == nil || c.usual == nil || len(c.names) > 0 }

// engineDefaults are what an engine gives a container that does not ask. A text that is empty is not known.
type engineDefaults struct {
	hostname, runtime, logDriver string
	cgroupnsMode                 container.CgroupnsMode
	// hasCgroupV1 is true if the host has version 1 of cgroups.
	hasCgroupV1 bool
	// noSwapLimit is true if the kernel cannot limit swap.
	noSwapLimit bool
}

// imageConfig is what an image gives its containers.
type imageConfig = dockerspec.DockerOCIImageConfig

// readImageConfig decodes Docker's answer about an image.
func readImageConfig(answer []byte) (*imageConfig, error) {
	var i struct{ Config imageConfig }
	if err := json.Unmarshal(answer, &i); err != nil {
		return nil, err
	}
	return &i.Config, nil
}

// mostImages is how many configurations of images are kept. Each takes a few kilobytes.
const mostImages = 512

// circumstancesOf returns the circumstances of a container. What the engine does not tell is left out.
func (s *Source) circumstancesOf(ctx context.Context, c *container.InspectResponse, usual *engineDefaults) circumstances {
	about := circumstances{image: s.imageConfig(ctx, names.ImageID(c.Image)), usual: usual}
	for _, id := range othersOf(c) {
		if about.names == nil {
			about.names = map[string]string{}
		}
		about.names[id] = s.nameOf(ctx, id)
	}
	return about
}

// othersOf returns the IDs of the containers that the container shares something with.
func othersOf(c *container.InspectResponse) (ids []string) {
	if c.HostConfig == nil {
		return nil
	}
	for _, mode := range []string{string(c.HostConfig.NetworkMode), string(c.HostConfig.PidMode), string(c.HostConfig.IpcMode)} {
		if id, ok := strings.CutPrefix(mode, ofContainer); ok && names.IsFullID(id) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// nameOf returns the name of a container, or "" if there is none with that ID.
func (s *Source) nameOf(ctx context.Context, id string) string {
	if found, err := s.inspect(ctx, id); err == nil && found != nil && found.ID == id {
		return containerName(found)
	} else if err == nil {
		return ""
	}
	return s.overlays.nameOf(id)
}

// imageConfig returns the configuration of an image, or nil if it is gone or the engine does not show it.
func (s *Source) imageConfig(ctx context.Context, id string) *imageConfig {
	if known, ok := s.imageConfigs.Get(id); ok {
		return known.(*imageConfig)
	}
	if !names.IsFullImageID(id) {
		return nil
	}
	found, err := connection.Inspect(ctx, s.Client, "/images/"+id+"/json", readImageConfig,
		func(ctx context.Context, c *client.Client) (*imageConfig, error) {
			response, err := c.ImageInspect(ctx, id)
			return response.Config, err
		})
	if err != nil || found == nil {
		return nil
	}
	s.imageConfigs.Add(id, found)
	return found
}

// ImageLabels returns the labels that an image gives its containers. It returns nil for an image that no container was shown with.
func (s *Source) ImageLabels(id string) map[string]string {
	if known, ok := s.imageConfigs.Get(id); ok {
		return known.(*imageConfig).Labels
	}
	return nil
}

// engineDefaults returns the engine's defaults, or nil if the engine has not told them yet.
func (s *Source) engineDefaults(ctx context.Context) (usual *engineDefaults) {
	// If the engine is not connected, the question about the container fails too.
	_ = s.Client.Read(ctx, connection.ReadTimeout, func(ctx context.Context, c *connection.Connection) error {
		if told := c.Info(ctx); told != nil {
			usual = new(defaultsOf(told))
		}
		return nil
	})
	return usual
}

// defaultsOf returns the defaults of an engine that says that about itself.
func defaultsOf(told *system.Info) engineDefaults {
	usual := engineDefaults{
		hostname: told.Name, runtime: told.DefaultRuntime, logDriver: told.LoggingDriver,
		hasCgroupV1: told.CgroupVersion == "1", noSwapLimit: told.Name != "" && !told.SwapLimit,
	}
	switch {
	case slices.Contains(told.SecurityOptions, "name=cgroupns"):
		usual.cgroupnsMode = container.CgroupnsModePrivate
	case told.Name != "":
		usual.cgroupnsMode = container.CgroupnsModeHost
	}
	return usual
}
