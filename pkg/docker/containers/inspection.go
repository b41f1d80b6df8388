// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"encoding/json"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"
)

// inspection has the fields of an inspected container that containerOf and overlays.learn read. Decoding the other
// fields would cost memory for each container.
type inspection struct {
	ID              string `json:"Id"`
	Name            string
	Created         string
	Image           string
	Path            string
	Args            []string
	RestartCount    int
	State           *container.State
	HostConfig      *struct{ PortBindings nat.PortMap }
	NetworkSettings *struct{ Ports nat.PortMap }
	Config          any // points to the struct to decode into; null in the answer makes it nil
}

type inspectedConfig struct {
	Image        string
	ExposedPorts nat.PortSet
	StopTimeout  *int
	Tty          bool
}

// readContainer decodes Docker's answer as the Docker client does, but only the fields of inspection. It decodes the
// labels only if withLabels is true.
func readContainer(answer []byte, withLabels bool) (*container.InspectResponse, error) {
	var config struct {
		inspectedConfig
		Labels map[string]string
	}
	i := inspection{Config: &config.inspectedConfig}
	if withLabels {
		i.Config = &config
	}
	if err := json.Unmarshal(answer, &i); err != nil {
		return nil, err
	}
	response := &container.InspectResponse{ContainerJSONBase: &container.ContainerJSONBase{
		ID: i.ID, Name: i.Name, Created: i.Created, Image: i.Image, Path: i.Path, Args: i.Args, RestartCount: i.RestartCount, State: i.State,
	}}
	if i.HostConfig != nil {
		response.HostConfig = &container.HostConfig{PortBindings: i.HostConfig.PortBindings}
	}
	if i.NetworkSettings != nil {
		response.NetworkSettings = &container.NetworkSettings{}
		response.NetworkSettings.Ports = i.NetworkSettings.Ports
	}
	if i.Config != nil {
		response.Config = &container.Config{
			Image: config.Image, Labels: config.Labels, ExposedPorts: config.ExposedPorts, StopTimeout: config.StopTimeout, Tty: config.Tty,
		}
	}
	return response, nil
}
