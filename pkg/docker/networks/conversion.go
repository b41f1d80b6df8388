// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package networks

import (
	"cmp"
	"slices"
	"time"

	"github.com/docker/docker/api/types/network"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// networkOf returns the Network for Docker's answer. The same answer always gives the same object. The object takes over
// the maps of the answer.
func networkOf(n *network.Inspect, name, namespace string) *v1alpha1.Network {
	created, labels := source.TimeOf(n.Created.Format(time.RFC3339Nano)), source.LabelsOf(n.Labels)
	selectable := source.Selectable(labels)
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
			EnableIPv6: n.EnableIPv6,
			Options:    source.LabelsOf(n.Options),
			IPAM:       ipamOf(n.IPAM),
			Labels:     without(labels, selectable),
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
	for _, config := range object.Spec.IPAM.Config {
		if config.Subnet != "" {
			object.Status.Subnets = append(object.Status.Subnets, config.Subnet)
		}
	}
	if created != nil {
		object.CreationTimestamp = *created
	}
	return object
}

func ipamOf(ipam network.IPAM) v1alpha1.NetworkIPAM {
	result := v1alpha1.NetworkIPAM{Driver: ipam.Driver, Options: source.LabelsOf(ipam.Options)}
	for _, config := range ipam.Config {
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

// without returns the labels that are not among others. It returns nil if all of them are.
func without(labels, others map[string]string) map[string]string {
	if len(labels) == len(others) {
		return nil
	}
	rest := make(map[string]string, len(labels)-len(others))
	for key, value := range labels {
		if _, ok := others[key]; !ok {
			rest[key] = value
		}
	}
	return rest
}
