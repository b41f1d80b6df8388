// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"encoding/json"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"
)

// inspection is the part of an inspected container that is read: what containerOf and stopTimeoutOf look at. The rest would be
// made and thrown away for each container.
type inspection struct {
	ID              string `json:"Id"`
	Name            string
	Created         string
	Path            string
	Args            []string
	RestartCount    int
	State           *container.State
	HostConfig      *struct{ PortBindings nat.PortMap }
	NetworkSettings *struct{ Ports nat.PortMap }
	Config          *struct {
		Image        string
		Labels       map[string]string
		ExposedPorts nat.PortSet
		StopTimeout  *int
	}
}

// readInspection returns what Docker has answered as the Docker client would, but for what nobody looks at.
func readInspection(answer []byte) (*container.InspectResponse, error) {
	var i inspection
	if err := json.Unmarshal(answer, &i); err != nil {
		return nil, err
	}
	response := &container.InspectResponse{ContainerJSONBase: &container.ContainerJSONBase{
		ID: i.ID, Name: i.Name, Created: i.Created, Path: i.Path, Args: i.Args, RestartCount: i.RestartCount, State: i.State,
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
			Image: i.Config.Image, Labels: i.Config.Labels, ExposedPorts: i.Config.ExposedPorts, StopTimeout: i.Config.StopTimeout,
		}
	}
	return response, nil
}
