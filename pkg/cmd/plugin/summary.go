// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"fmt"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"
	"github.com/docker/go-units"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// summary returns what Docker's own API says of a container in a list.
func summary(c *v1alpha1.Container, now time.Time) container.Summary {
	return container.Summary{
		ID:      c.Status.ID,
		Names:   []string{"/" + c.Status.Name},
		Image:   c.Spec.Image,
		ImageID: c.Status.ImageID,
		Command: commandLine(c),
		Created: c.CreationTimestamp.Unix(),
		Ports:   ports(c),
		Labels:  c.Status.Labels,
		State:   string(c.Status.Status),
		Status:  statusWords(c, now),
	}
}

func commandLine(c *v1alpha1.Container) string {
	words := []string{c.Status.Path}
	for _, argument := range c.Status.Args {
		if strings.Contains(argument, " ") {
			argument = "'" + argument + "'"
		}
		words = append(words, argument)
	}
	return strings.Join(words, " ")
}

// ports returns the active ports. Those that are not published have only a port of their own.
func ports(c *v1alpha1.Container) (listed []container.Port) {
	for _, p := range c.Status.Ports {
		if !p.Active {
			continue
		}
		port := nat.Port(p.Name)
		own := container.Port{PrivatePort: uint16(port.Int()), Type: port.Proto()}
		if len(p.Bindings) == 0 {
			listed = append(listed, own)
		}
		for _, binding := range p.Bindings {
			published := own
			published.IP, published.PublicPort = binding.HostIP, uint16(nat.Port(binding.HostPort).Int())
			listed = append(listed, published)
		}
	}
	return listed
}

// statusWords returns the status in Docker's words, such as "Up 5 minutes (healthy)".
func statusWords(c *v1alpha1.Container, now time.Time) string {
	since := func(then *metav1.Time) string {
		if then == nil {
			then = &c.CreationTimestamp
		}
		return units.HumanDuration(now.Sub(then.Time))
	}
	up := "Up " + since(c.Status.StartedAt)
	switch c.Status.Status {
	case v1alpha1.ContainerDockerStatusRunning:
		switch c.Status.Health {
		case "":
			return up
		case v1alpha1.ContainerHealthStarting:
			return up + " (health: starting)"
		}
		return fmt.Sprintf("%s (%s)", up, c.Status.Health)
	case v1alpha1.ContainerDockerStatusPaused, v1alpha1.ContainerDockerStatusPausing:
		return up + " (Paused)"
	case v1alpha1.ContainerDockerStatusRestarting:
		return fmt.Sprintf("Restarting (%d) %s ago", c.Status.ExitCode, since(c.Status.FinishedAt))
	case v1alpha1.ContainerDockerStatusExited:
		return fmt.Sprintf("Exited (%d) %s ago", c.Status.ExitCode, since(c.Status.FinishedAt))
	case v1alpha1.ContainerDockerStatusCreated:
		return "Created"
	case v1alpha1.ContainerDockerStatusRemoving:
		return "Removal In Progress"
	case v1alpha1.ContainerDockerStatusDead:
		return "Dead"
	}
	return string(c.Status.Status)
}
