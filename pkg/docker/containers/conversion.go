// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"cmp"
	"slices"
	"strings"
	"unique"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// containerName returns the container's name without the slash that Docker puts before it.
func containerName(c *container.InspectResponse) string { return strings.TrimPrefix(c.Name, "/") }

// containerOf returns the Container for Docker's answer. The same answer always gives the same object in the same
// circumstances. The object takes over the map of labels.
func containerOf(c *container.InspectResponse, namespace string, about circumstances) *v1alpha1.Container {
	config := c.Config
	if config == nil {
		config = &container.Config{}
	}
	state := c.State
	if state == nil {
		state = &container.State{}
	}
	name := containerName(c)
	spec := specOf(c, about)
	delete(config.Labels, v1alpha1.FieldsLabel)
	created, labels := source.TimeOf(c.Created), source.LabelsOf(config.Labels)
	imageID := unique.Make(names.ImageID(c.Image)).Value() // many containers share an image
	object := &v1alpha1.Container{
		ObjectMeta: metav1.ObjectMeta{
			Name:      containers.ObjectName(name),
			Namespace: namespace,
			UID:       source.UIDOf("Container", c.ID, name),
			Labels:    containers.Selectable(labels),
		},
		Spec: spec,
		Status: v1alpha1.ContainerStatus{
			ID:           c.ID,
			Name:         name,
			Namespace:    v1alpha1.EngineNamespace,
			Path:         c.Path,
			Args:         slices.Clone(c.Args),
			Image:        imageID,
			ImageID:      imageID,
			Ports:        portsOf(c),
			Networks:     networksOf(c),
			Mounts:       mountsOf(c),
			Labels:       labels,
			Status:       statusOf(state.Status),
			Health:       healthOf(state.Health),
			PID:          int64(state.Pid),
			ExitCode:     int64(state.ExitCode),
			Error:        state.Error,
			RestartCount: int64(c.RestartCount),
			CreatedAt:    created,
			StartedAt:    source.TimeOf(state.StartedAt),
			FinishedAt:   source.TimeOf(state.FinishedAt),
		},
	}
	shareWords(object)
	if created != nil {
		object.CreationTimestamp = *created
	}
	object.Spec.State = stateOf(object.Status.Status)
	object.Status.Conditions = containerConditions(&object.Status, state.OOMKilled, state.Dead)
	return object
}

// shareWords keeps the words of the command line in memory once. They stand both in the spec and in the status.
func shareWords(c *v1alpha1.Container) {
	given := slices.Concat(c.Spec.Command, c.Spec.Args)
	if len(given) == 0 || given[0] != c.Status.Path || !slices.Equal(given[1:], c.Status.Args) {
		return
	}
	c.Status.Path, c.Status.Args = given[0], slices.Clip(given[1:])
	if n := len(c.Spec.Command); n > 0 {
		c.Spec.Command = slices.Clip(given[:n])
	}
	if n := len(c.Spec.Args); n > 0 {
		c.Spec.Args = given[len(given)-n:]
	}
	if len(c.Status.Args) == 0 {
		c.Status.Args = nil
	}
}

func statusOf(s string) v1alpha1.ContainerDockerStatus {
	switch status := v1alpha1.ContainerDockerStatus(s); status {
	case v1alpha1.ContainerDockerStatusCreated, v1alpha1.ContainerDockerStatusRunning, v1alpha1.ContainerDockerStatusPausing,
		v1alpha1.ContainerDockerStatusPaused, v1alpha1.ContainerDockerStatusRestarting, v1alpha1.ContainerDockerStatusRemoving,
		v1alpha1.ContainerDockerStatusExited, v1alpha1.ContainerDockerStatusDead:
		return status
	}
	return v1alpha1.ContainerDockerStatusUnknown
}

func stateOf(status v1alpha1.ContainerDockerStatus) v1alpha1.ContainerState {
	switch status {
	case v1alpha1.ContainerDockerStatusRunning, v1alpha1.ContainerDockerStatusRestarting:
		return v1alpha1.ContainerStateRunning
	case v1alpha1.ContainerDockerStatusPausing, v1alpha1.ContainerDockerStatusPaused:
		return v1alpha1.ContainerStatePaused
	case v1alpha1.ContainerDockerStatusCreated, v1alpha1.ContainerDockerStatusExited,
		v1alpha1.ContainerDockerStatusDead, v1alpha1.ContainerDockerStatusRemoving:
		return v1alpha1.ContainerStateCreated
	}
	return v1alpha1.ContainerStateUnknown
}

// isRunning reports whether the container's main process exists.
func isRunning(status v1alpha1.ContainerDockerStatus) bool {
	switch status {
	case v1alpha1.ContainerDockerStatusRunning, v1alpha1.ContainerDockerStatusPaused, v1alpha1.ContainerDockerStatusPausing:
		return true
	}
	return false
}

func healthOf(health *container.Health) v1alpha1.ContainerHealth {
	if health == nil {
		return ""
	}
	switch h := v1alpha1.ContainerHealth(health.Status); h {
	case v1alpha1.ContainerHealthStarting, v1alpha1.ContainerHealthHealthy, v1alpha1.ContainerHealthUnhealthy:
		return h
	}
	return ""
}

// portsOf returns the exposed ports, the ports to be published, and the published ports with their addresses.
// NetworkSettings has no ports if the network has none of its own, as with the networks host and none.
func portsOf(c *container.InspectResponse) []v1alpha1.ContainerPort {
	bindings, active := map[nat.Port][]nat.PortBinding{}, nat.PortMap{}
	if c.Config != nil {
		for port := range c.Config.ExposedPorts {
			bindings[port] = nil
		}
	}
	if c.HostConfig != nil {
		for port := range c.HostConfig.PortBindings {
			bindings[port] = nil
		}
	}
	if c.NetworkSettings != nil {
		for port, published := range c.NetworkSettings.Ports {
			bindings[port] = published
		}
		if c.State != nil && isRunning(statusOf(c.State.Status)) {
			active = c.NetworkSettings.Ports
		}
	}
	var ports []v1alpha1.ContainerPort
	for port, published := range bindings {
		p := v1alpha1.ContainerPort{Name: string(port)}
		_, p.Active = active[port]
		for _, binding := range published {
			p.Bindings = append(p.Bindings, v1alpha1.ContainerPortBinding{HostIP: binding.HostIP, HostPort: binding.HostPort})
		}
		slices.SortFunc(p.Bindings, func(a, b v1alpha1.ContainerPortBinding) int {
			return cmp.Or(cmp.Compare(a.HostIP, b.HostIP), compareNumbers(a.HostPort, b.HostPort))
		})
		ports = append(ports, p)
	}
	slices.SortFunc(ports, func(a, b v1alpha1.ContainerPort) int {
		numberA, protocolA, _ := strings.Cut(a.Name, "/")
		numberB, protocolB, _ := strings.Cut(b.Name, "/")
		return cmp.Or(compareNumbers(numberA, numberB), cmp.Compare(protocolA, protocolB))
	})
	return ports
}

// compareNumbers compares decimal numbers without parsing them.
func compareNumbers(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
