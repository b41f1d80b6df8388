// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

const maxCommandLength = 40

type column = registry.Column[*v1alpha1.Container]

var table = registry.NewTableConvertor(
	column{Name: "Image", Description: "The image that the container was made from.",
		Cell: func(c *v1alpha1.Container) string { return c.Status.Image }},
	column{Name: "Status", Description: "Docker's status, with the exit code or the health.", Cell: status},
	column{Name: "Ports", Description: "The published ports, and those that are exposed only.", Cell: ports},
	registry.Age[*v1alpha1.Container](),
	column{Name: "ID", Priority: 1, Description: "The short ID.",
		Cell: func(c *v1alpha1.Container) string { return containers.ShortID(c.Status.ID) }},
	column{Name: "Command", Priority: 1, Description: "The program and its arguments.", Cell: command},
	column{Name: "PID", Priority: 1, Description: "The process ID on the engine's host.", Cell: pid},
	column{Name: "Health", Priority: 1, Description: "The outcome of the health check.",
		Cell: func(c *v1alpha1.Container) string { return string(c.Status.Health) }},
)

func status(c *v1alpha1.Container) string {
	word := string(c.Status.Status)
	switch {
	case c.DeletionTimestamp != nil:
		return word + " (terminating)"
	case c.Status.Status == v1alpha1.ContainerDockerStatusExited, c.Status.Status == v1alpha1.ContainerDockerStatusRestarting:
		return fmt.Sprintf("%s (%d)", word, c.Status.ExitCode)
	case c.Status.Status == v1alpha1.ContainerDockerStatusRunning && c.Status.Health == v1alpha1.ContainerHealthStarting:
		return word + " (health: starting)"
	case c.Status.Status == v1alpha1.ContainerDockerStatusRunning && c.Status.Health != "":
		return fmt.Sprintf("%s (%s)", word, c.Status.Health)
	}
	return word
}

func ports(c *v1alpha1.Container) string {
	var shown []string
	for _, port := range c.Status.Ports {
		if len(port.Bindings) == 0 {
			shown = append(shown, port.Name)
		}
		for _, binding := range port.Bindings {
			host := binding.HostPort
			if binding.HostIP != "" {
				host = net.JoinHostPort(binding.HostIP, binding.HostPort)
			}
			shown = append(shown, host+"->"+port.Name)
		}
	}
	return strings.Join(shown, ", ")
}

func command(c *v1alpha1.Container) string {
	if c.Status.Path == "" {
		return ""
	}
	line := []rune(strings.Join(append([]string{c.Status.Path}, c.Status.Args...), " "))
	if len(line) > maxCommandLength {
		line = append(line[:maxCommandLength-1], '…')
	}
	return strconv.Quote(string(line))
}

func pid(c *v1alpha1.Container) string {
	if c.Status.PID == 0 {
		return ""
	}
	return strconv.FormatInt(c.Status.PID, 10)
}
