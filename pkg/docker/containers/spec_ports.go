// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-connections/nat"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func writePorts(s *v1alpha1.ContainerSpec, c *creation) *field.Error {
	c.host.PublishAllPorts = s.PublishAllPorts
	for _, p := range s.Ports {
		if c.config.ExposedPorts == nil {
			c.config.ExposedPorts = nat.PortSet{}
		}
		port := portOf(p)
		c.config.ExposedPorts[port] = struct{}{}
		if p.HostPort == nil {
			continue
		}
		if c.host.PortBindings == nil {
			c.host.PortBindings = nat.PortMap{}
		}
		binding := nat.PortBinding{HostIP: p.HostIP}
		if *p.HostPort != 0 {
			binding.HostPort = strconv.Itoa(int(*p.HostPort))
		}
		c.host.PortBindings[port] = append(c.host.PortBindings[port], binding)
	}
	return nil
}

// portOf returns the port as Docker writes it.
func portOf(p v1alpha1.ContainerPublishedPort) nat.Port {
	return nat.Port(strconv.Itoa(int(p.ContainerPort)) + "/" + strings.ToLower(string(containers.ProtocolOf(p))))
}

// readPorts reads the configured ports, which stay when the container stops. Docker keeps them in a map.
func readPorts(r *reading) {
	r.spec.PublishAllPorts = pick(r, r.host.PublishAllPorts, false, "publishAllPorts")
	configured := r.configuredPorts()
	if !r.isMadeHere() {
		r.spec.Ports = configured
		return
	}
	for _, item := range itemsOf[v1alpha1.ContainerPublishedPort](r.fields.at("ports")) {
		// The protocol is shown only if it was given: kubectl apply sends the list again if an item has another field.
		if slices.ContainsFunc(configured, func(p v1alpha1.ContainerPublishedPort) bool { return isSamePort(p, item.keys) }) {
			r.spec.Ports = append(r.spec.Ports, item.keys)
		}
	}
}

// configuredPorts returns what is published, and what is exposed and not published. For a container that was not made here
// it leaves out what the image exposes.
func (r *reading) configuredPorts() (ports []v1alpha1.ContainerPublishedPort) {
	for port, bindings := range r.host.PortBindings {
		for _, binding := range bindings {
			if p, ok := publishedPort(port); ok {
				p.HostIP, p.HostPort = binding.HostIP, new(hostPort(binding.HostPort))
				ports = append(ports, p)
			}
		}
	}
	for port := range r.config.ExposedPorts {
		_, isOfImage := r.image.ExposedPorts[string(port)]
		isPublished := len(r.host.PortBindings[port]) > 0
		if p, ok := publishedPort(port); ok && (r.isMadeHere() || !isOfImage && !isPublished) {
			ports = append(ports, p)
		}
	}
	slices.SortFunc(ports, func(a, b v1alpha1.ContainerPublishedPort) int {
		return cmp.Or(cmp.Compare(a.ContainerPort, b.ContainerPort), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.HostIP, b.HostIP), comparePointers(a.HostPort, b.HostPort))
	})
	return ports
}

// publishedPort returns a port of Docker's. ok is false if it is none that the API can show.
func publishedPort(port nat.Port) (p v1alpha1.ContainerPublishedPort, ok bool) {
	p.ContainerPort, p.Protocol = int32(port.Int()), corev1.Protocol(strings.ToUpper(port.Proto()))
	return p, p.ContainerPort > 0 && slices.Contains(containers.Protocols, p.Protocol)
}

// hostPort returns the configured port on the host. It is 0 if Docker chooses one, also from a range.
func hostPort(configured string) int32 {
	parsed, err := strconv.ParseUint(configured, 10, 16)
	if err != nil {
		return 0
	}
	return int32(parsed)
}

func isSamePort(a, b v1alpha1.ContainerPublishedPort) bool {
	return a.ContainerPort == b.ContainerPort && containers.ProtocolOf(a) == containers.ProtocolOf(b) && a.HostIP == b.HostIP &&
		ptr.Equal(a.HostPort, b.HostPort)
}

// comparePointers compares what two pointers point to. Nil comes first.
func comparePointers[T cmp.Ordered](a, b *T) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return cmp.Compare(*a, *b)
}
