// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package networks

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/network"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// networkOf returns the Network for Docker's answer. The same answer always gives the same object. The object takes over
// the maps of the answer.
func networkOf(n *network.Inspect, name, namespace string) *v1alpha1.Network {
	created, labels := source.TimeOf(n.Created.Format(time.RFC3339Nano)), source.LabelsOf(n.Labels)
	selectable, others := containers.SplitLabels(labels)
	object := &v1alpha1.Network{
		ObjectMeta: metav1.ObjectMeta{
			Name:      name,
			Namespace: namespace,
			UID:       source.UIDOf("Network", n.ID, name),
			Labels:    selectable,
		},
		Spec: v1alpha1.NetworkSpec{
			Driver:     n.Driver,
			Internal:   n.Internal,
			Attachable: n.Attachable,
			EnableIPv6: ptr.To(n.EnableIPv6),
			Options:    source.LabelsOf(n.Options),
			IPAM:       ipamOf(n.IPAM),
			Labels:     others,
		},
		Status: v1alpha1.NetworkStatus{
			ID:         n.ID,
			Name:       n.Name,
			Namespace:  v1alpha1.EngineNamespace,
			Scope:      n.Scope,
			CreatedAt:  created,
			Driver:     n.Driver,
			Labels:     labels,
			Containers: containersOf(n.Containers),
		},
	}
	for _, config := range n.IPAM.Config {
		if config.Subnet != "" {
			object.Status.Subnets = append(object.Status.Subnets, config.Subnet)
		}
	}
	if created != nil {
		object.CreationTimestamp = *created
	}
	return object
}

// ipamOf returns how a network gives addresses. Docker lists the ranges for IPv4 that it was given, then those for IPv6, and
// then those that it chose itself. So it chose a range for IPv4 that comes after one for IPv6. That range is left out, because
// a list that has more than what was given looks changed to kubectl apply.
func ipamOf(ipam network.IPAM) v1alpha1.NetworkIPAM {
	result := v1alpha1.NetworkIPAM{Driver: ipam.Driver, Options: source.LabelsOf(ipam.Options)}
	hasIPv6 := false
	for _, config := range ipam.Config {
		isIPv6 := strings.Contains(config.Subnet, ":")
		if config.Subnet == "" || hasIPv6 && !isIPv6 {
			continue
		}
		hasIPv6 = hasIPv6 || isIPv6
		result.Config = append(result.Config, v1alpha1.NetworkIPAMConfig{Subnet: config.Subnet, IPRange: config.IPRange, Gateway: config.Gateway})
	}
	return result
}

// containersOf returns the connected containers in the order of their names. Docker has them in a map by ID.
func containersOf(endpoints map[string]network.EndpointResource) (connected []v1alpha1.NetworkContainer) {
	for id, endpoint := range endpoints {
		connected = append(connected, v1alpha1.NetworkContainer{
			ID:          id,
			Name:        endpoint.Name,
			MacAddress:  endpoint.MacAddress,
			Ipv4Address: endpoint.IPv4Address,
			Ipv6Address: endpoint.IPv6Address,
		})
	}
	slices.SortFunc(connected, func(a, b v1alpha1.NetworkContainer) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return connected
}
