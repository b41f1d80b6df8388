// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"cmp"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-connections/nat"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// endpoint is a port of a container and the address of the host where it is published. A port that is only exposed has
// no address.
type endpoint struct {
	hostIP, protocol string
	hostPort, port   int
}

// endpointsOf returns the endpoints of the active ports in the order of docker ps.
func endpointsOf(c *v1alpha1.Container) []endpoint {
	var endpoints []endpoint
	for _, p := range c.Status.Ports {
		if !p.Active {
			continue
		}
		port := nat.Port(p.Name)
		if len(p.Bindings) == 0 {
			endpoints = append(endpoints, endpoint{port: port.Int(), protocol: port.Proto()})
		}
		for _, binding := range p.Bindings {
			// Podman leaves the address empty if the port is published on all addresses.
			hostIP, hostPort := cmp.Or(binding.HostIP, net.IPv4zero.String()), nat.Port(binding.HostPort).Int()
			endpoints = append(endpoints, endpoint{hostIP, port.Proto(), hostPort, port.Int()})
		}
	}
	slices.SortFunc(endpoints, func(a, b endpoint) int {
		return cmp.Or(cmp.Compare(a.port, b.port), cmp.Compare(a.hostIP, b.hostIP), cmp.Compare(a.hostPort, b.hostPort),
			cmp.Compare(a.protocol, b.protocol))
	})
	return endpoints
}

// portRange is a range of ports that have the same numbers on the host, or that are only exposed.
type portRange struct {
	hostIP, protocol string
	first, last      int
}

func (r portRange) String() string {
	numbers := strconv.Itoa(r.first)
	if r.last > r.first {
		numbers += "-" + strconv.Itoa(r.last)
	}
	if r.hostIP == "" {
		return numbers + "/" + r.protocol
	}
	return net.JoinHostPort(r.hostIP, numbers) + "->" + numbers + "/" + r.protocol
}

// ports returns the ports as docker ps shows them, in its order. For each address and protocol it joins consecutive
// ports to ranges. First come the ranges that another range of their address and protocol follows. Then comes the last
// range of each. The ports with another number on the host are at the end.
func ports(c *v1alpha1.Container) string {
	var shown, renumbered []string
	var last []portRange // the last range of each address and protocol
	for _, e := range endpointsOf(c) {
		if e.hostIP != "" && e.hostPort != e.port {
			renumbered = append(renumbered, net.JoinHostPort(e.hostIP, strconv.Itoa(e.hostPort))+"->"+strconv.Itoa(e.port)+"/"+e.protocol)
			continue
		}
		next := portRange{e.hostIP, e.protocol, e.port, e.port}
		i := slices.IndexFunc(last, func(r portRange) bool { return r.hostIP == e.hostIP && r.protocol == e.protocol })
		switch {
		case i < 0:
			last = append(last, next)
		case last[i].last+1 == e.port:
			last[i].last = e.port
		default:
			shown = append(shown, last[i].String())
			last[i] = next
		}
	}
	for _, r := range last {
		shown = append(shown, r.String())
	}
	return strings.Join(append(shown, renumbered...), ", ")
}
