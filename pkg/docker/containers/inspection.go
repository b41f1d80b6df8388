// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"encoding/json"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
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
	HostConfig      *inspectedHost
	Mounts          []container.MountPoint
	NetworkSettings *struct {
		Ports    nat.PortMap
		Networks map[string]*network.EndpointSettings
	}
	Config any // points to the struct to decode into; null in the answer makes it nil
}

// inspectedHost is a HostConfig. Of two lists that nearly all containers have alike, it only knows whether they are empty.
type inspectedHost struct {
	container.HostConfig
	MaskedPaths, ReadonlyPaths emptiness
}

// emptiness is true if a list is there and empty.
type emptiness bool

// UnmarshalJSON takes the text of the list.
func (e *emptiness) UnmarshalJSON(text []byte) error {
	*e = string(text) == "[]"
	return nil
}

// list returns an empty list if there was one.
func (e emptiness) list() []string {
	if e {
		return []string{}
	}
	return nil
}

// readContainer decodes Docker's answer as the Docker client does, but only the fields of inspection. If withLabels is
// false, it decodes no label but FieldsLabel.
func readContainer(answer []byte, withLabels bool) (*container.InspectResponse, error) {
	var config struct {
		container.Config
		Labels struct {
			Fields *string `json:"containers.rancherdesktop.io/fields"` // the name of FieldsLabel
		}
	}
	i := inspection{Config: &config}
	if withLabels {
		i.Config = &config.Config
	}
	if err := json.Unmarshal(answer, &i); err != nil {
		return nil, err
	}
	response := &container.InspectResponse{Mounts: i.Mounts, ContainerJSONBase: &container.ContainerJSONBase{
		ID: i.ID, Name: i.Name, Created: i.Created, Image: i.Image, Path: i.Path, Args: i.Args, RestartCount: i.RestartCount, State: i.State,
	}}
	if host := i.HostConfig; host != nil {
		response.HostConfig = &host.HostConfig
		host.HostConfig.MaskedPaths, host.HostConfig.ReadonlyPaths = host.MaskedPaths.list(), host.ReadonlyPaths.list()
	}
	if i.NetworkSettings != nil {
		response.NetworkSettings = &container.NetworkSettings{Networks: i.NetworkSettings.Networks}
		response.NetworkSettings.Ports = i.NetworkSettings.Ports
	}
	if i.Config != nil {
		response.Config = &config.Config
		if config.Labels.Fields != nil {
			response.Config.Labels = map[string]string{v1alpha1.FieldsLabel: *config.Labels.Fields}
		}
	}
	return response, nil
}
