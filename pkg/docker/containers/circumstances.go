// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"encoding/json"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"
)

// circumstances are what a spec depends on beside Docker's inspection of the container.
type circumstances struct {
	// image is the configuration of the container's image. It is nil if it is not known.
	image *imageConfig
	// usual are the engine's own defaults.
	usual engineDefaults
	// nameOf returns the name of the container with that ID, or "" if there is none.
	nameOf func(id string) string
}

// engineDefaults are what an engine gives a container that does not ask. An empty text is not known.
type engineDefaults struct {
	hostname, runtime, logDriver string
	// isCgroupnsPrivate is true if a container has a namespace of its own for cgroups.
	isCgroupnsPrivate bool
	hasCgroupV1       bool
	// noSwapLimit is true if the kernel cannot limit swap.
	noSwapLimit bool
}

// imageConfig is the part of an image's configuration that its containers take over.
type imageConfig struct {
	env, entrypoint, cmd         []string
	workingDir, user, stopSignal string
	health                       *container.HealthConfig
	exposed                      nat.PortSet
	volumes                      map[string]struct{}
	labels                       map[string]string
}

// readImageConfig decodes Docker's answer about an image.
func readImageConfig(answer []byte) (*imageConfig, error) {
	var i struct{ Config *container.Config }
	if err := json.Unmarshal(answer, &i); err != nil {
		return nil, err
	}
	config := i.Config
	if config == nil {
		config = &container.Config{}
	}
	return &imageConfig{
		env: config.Env, entrypoint: config.Entrypoint, cmd: config.Cmd, workingDir: config.WorkingDir, user: config.User,
		stopSignal: config.StopSignal, health: config.Healthcheck, exposed: config.ExposedPorts, volumes: config.Volumes, labels: config.Labels,
	}, nil
}
