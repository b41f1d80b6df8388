// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +genclient
// +genclient:onlyVerbs=create,update,patch,apply,get,list,watch,delete,deleteCollection
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// Network is one network of the Docker Engine. Its metadata.name is the network's name in Docker. If Kubernetes forbids
// that name, because it has a slash for example, metadata.name has '~' in place of each forbidden character. It then
// ends with '-' and the first ten hexadecimal digits of the SHA-256 of the name in Docker. Some engines allow several
// networks with the same name. The oldest of them keeps the name. Each of the others has the name, '~' and its 12-digit
// ID, and then ten digits as above. A network also answers to its full ID and to its 12-digit ID.
//
// To create a Network is docker network create. A name that is taken is refused. Docker cannot change a network after its
// creation.
type Network struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata. The uid never changes while the network lives. metadata.labels has those
	// Docker labels that are valid Kubernetes labels. Labels that are given here at creation become labels in Docker, as with
	// docker network create --label. status.labels has all of them.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// spec is how the network was made. It shows what Docker holds, whoever made the network, and cannot be changed.
	// +optional
	Spec NetworkSpec `json:"spec,omitempty"`
	// status is what Docker reports about the network now. It is read-only.
	// +optional
	Status NetworkStatus `json:"status,omitempty"`
}

// These are the defaults of a new network.
const (
	DefaultNetworkDriver = "bridge"
	DefaultIPAMDriver    = "default"
)

// NetworkSpec is how a network was made.
type NetworkSpec struct {
	// driver is the network driver, such as bridge or overlay. The default is bridge. docker network create: --driver.
	// +optional
	Driver string `json:"driver,omitempty"`
	// internal is true if the network has no way out to other networks. docker network create: --internal.
	// +optional
	Internal bool `json:"internal"`
	// attachable is true if containers can be connected to this network of a swarm one by one, and not only as part of a
	// service. docker network create: --attachable.
	// +optional
	Attachable bool `json:"attachable"`
	// enableIPv6 is true if containers get IPv6 addresses on the network. If it is not given, the engine decides.
	// docker network create: --ipv6.
	// +optional
	EnableIPv6 *bool `json:"enableIPv6,omitempty"`
	// options are the options of the driver. Some drivers add options of their own. docker network create: --opt.
	// +optional
	Options map[string]string `json:"options,omitempty"`
	// ipam says how the network gives addresses to containers.
	// +optional
	IPAM NetworkIPAM `json:"ipam,omitempty"`
	// labels are those of the network's labels in Docker that are no valid Kubernetes labels. The others are in
	// metadata.labels. A valid Kubernetes label that is given here moves to metadata.labels.
	// docker network create: --label.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
}

// NetworkIPAM says how a network gives addresses to containers.
type NetworkIPAM struct {
	// driver is the driver that gives the addresses. The default is default. docker network create: --ipam-driver.
	// +optional
	Driver string `json:"driver,omitempty"`
	// options are the options of that driver. docker network create: --ipam-opt.
	// +optional
	Options map[string]string `json:"options,omitempty"`
	// config are the ranges of addresses. Docker chooses a range for IPv4, and one for IPv6 where that is enabled, if none
	// is given.
	// +optional
	// +listType=map
	// +listMapKey=subnet
	// +patchStrategy=merge
	// +patchMergeKey=subnet
	Config []NetworkIPAMConfig `json:"config,omitempty" patchStrategy:"merge" patchMergeKey:"subnet"`
}

// NetworkIPAMConfig is one range of addresses of a network.
type NetworkIPAMConfig struct {
	// subnet is the range of the network, such as 172.18.0.0/16. docker network create: --subnet.
	Subnet string `json:"subnet"`
	// ipRange is the part of the subnet from which containers get addresses. It is absent if that is the whole subnet.
	// docker network create: --ip-range.
	// +optional
	IPRange string `json:"ipRange,omitempty"`
	// gateway is the address of the network's gateway, such as 172.18.0.1. If it is not given, Docker chooses one.
	// docker network create: --gateway.
	// +optional
	Gateway string `json:"gateway,omitempty"`
}

// NetworkStatus is what Docker reports about a network.
type NetworkStatus struct {
	// id is the network's full ID: 64 hexadecimal digits, or 25 letters and digits for a network of a swarm.
	// +optional
	ID string `json:"id,omitempty"`
	// name is the network's name in Docker.
	// +optional
	Name string `json:"name,omitempty"`
	// namespace is the engine's own namespace of networks. It is moby.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// scope is the level at which the network exists: local for this machine, swarm or global for a whole cluster.
	// +optional
	Scope string `json:"scope,omitempty"`
	// createdAt is when the network was created.
	// +optional
	CreatedAt *metav1.Time `json:"createdAt,omitempty"`
	// driver is the network driver, such as bridge or overlay.
	// +optional
	Driver string `json:"driver,omitempty"`
	// subnets are the ranges of addresses of the network, such as 172.18.0.0/16.
	// +optional
	// +listType=atomic
	Subnets []string `json:"subnets,omitempty"`
	// labels are all of the network's labels in Docker.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
	// containers are the containers that are connected to the network now. A container that does not run is not
	// connected.
	// +optional
	// +listType=map
	// +listMapKey=id
	Containers []NetworkContainer `json:"containers,omitempty"`
}

// NetworkContainer is a container that is connected to a network.
type NetworkContainer struct {
	// id is the container's full ID. Docker also lists endpoints that belong to no container, such as the load balancer
	// of a network of a swarm. These have an ID that begins with ep- or lb-.
	ID string `json:"id"`
	// name is the container's name in Docker.
	// +optional
	Name string `json:"name,omitempty"`
	// macAddress is the container's MAC address on the network.
	// +optional
	MacAddress string `json:"macAddress,omitempty"`
	// ipv4Address is the container's IPv4 address on the network, with the length of the subnet's prefix, such as
	// 172.18.0.2/16.
	// +optional
	Ipv4Address string `json:"ipv4Address,omitempty"`
	// ipv6Address is the container's IPv6 address on the network, with the length of the subnet's prefix.
	// +optional
	Ipv6Address string `json:"ipv6Address,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// NetworkList is a list of networks.
type NetworkList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items are the networks.
	Items []Network `json:"items"`
}
