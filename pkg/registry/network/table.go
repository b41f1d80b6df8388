// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"cmp"
	"strings"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

type column = registry.Column[*v1alpha1.Network]

var table = registry.NewTableConvertor(
	column{Name: "Driver", Description: "The network driver.",
		Cell: func(n *v1alpha1.Network) string { return n.Status.Driver }},
	column{Name: "Scope", Description: "The level at which the network exists: local, swarm or global.",
		Cell: func(n *v1alpha1.Network) string { return n.Status.Scope }},
	registry.Age[*v1alpha1.Network](),
	column{Name: "ID", Priority: 1, Description: "The short ID.",
		Cell: func(n *v1alpha1.Network) string { return containers.ShortID(n.Status.ID) }},
	column{Name: "Subnets", Priority: 1, Description: "The address ranges.",
		Cell: func(n *v1alpha1.Network) string { return strings.Join(n.Status.Subnets, ",") }},
	column{Name: "Containers", Priority: 1, Description: "The containers that are connected now.", Cell: namesOf},
)

// namesOf returns the names of the connected containers. A container without a name is shown by its short ID.
func namesOf(n *v1alpha1.Network) string {
	var names []string
	for _, c := range n.Status.Containers {
		names = append(names, cmp.Or(c.Name, containers.ShortID(c.ID)))
	}
	return strings.Join(names, ",")
}
