// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"maps"
	"slices"
	"strings"
	"unique"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// severalNetworks is the API version from which on a container can be created on several networks, and each of them
// takes a MAC address.
const severalNetworks = "1.44"

func writeNetworks(s *v1alpha1.ContainerSpec, c *creation) *field.Error {
	c.host.NetworkMode, c.host.ExtraHosts = container.NetworkMode(s.NetworkMode), s.ExtraHosts
	if s.DNS != nil {
		c.host.DNS, c.host.DNSSearch, c.host.DNSOptions = s.DNS.Servers, s.DNS.Searches, s.DNS.Options
	}
	for i, attached := range s.Networks {
		endpoint := endpointOf(attached)
		if !c.has(severalNetworks) && attached.MACAddress != "" {
			if i > 0 {
				return c.tooOld(specPath.Child("networks").Index(i).Child("macAddress"), severalNetworks)
			}
			//lint:ignore SA1019 older engines have no other field for it
			c.config.MacAddress, endpoint.MacAddress = attached.MACAddress, ""
		}
		switch {
		case i == 0:
			c.host.NetworkMode = container.NetworkMode(attached.Name)
			c.networking = &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{attached.Name: endpoint}}
		case c.has(severalNetworks):
			c.networking.EndpointsConfig[attached.Name] = endpoint
		default:
			c.later = append(c.later, networkStep{name: attached.Name, join: endpoint})
		}
	}
	return nil
}

// endpointOf returns what Docker is asked for to connect a container to a network.
func endpointOf(attached v1alpha1.ContainerNetworkAttachment) *network.EndpointSettings {
	endpoint := &network.EndpointSettings{Aliases: attached.Aliases, MacAddress: attached.MACAddress}
	if attached.Ipv4Address != "" || attached.Ipv6Address != "" {
		endpoint.IPAMConfig = &network.EndpointIPAMConfig{IPv4Address: attached.Ipv4Address, IPv6Address: attached.Ipv6Address}
	}
	return endpoint
}

func readNetworks(r *reading) {
	r.spec.ExtraHosts = pickList(r, r.host.ExtraHosts, "extraHosts")
	dns := v1alpha1.ContainerDNS{
		Servers:  pickList(r, r.host.DNS, "dns", "servers"),
		Searches: pickList(r, r.host.DNSSearch, "dns", "searches"),
		Options:  pickList(r, r.host.DNSOptions, "dns", "options"),
	}
	r.spec.DNS = pickGroup(r, dns, dns.Servers == nil && dns.Searches == nil && dns.Options == nil, "dns")

	mode := r.host.NetworkMode
	if r.config.NetworkDisabled {
		mode = network.NetworkNone // it comes to the same, and the docker command has no flag for it
	}
	isOther := mode.IsHost() || mode.IsNone() || mode.IsContainer()
	if r.shows(isOther, "networkMode") {
		r.spec.NetworkMode = r.modeOf(string(mode), "networkMode")
	}
	given := itemsOf[v1alpha1.ContainerNetworkAttachment](r.fields.at("networks"))
	attached := r.attachedNetworks(given)
	//lint:ignore SA1019 nothing else says that an address was given
	hasAddress := r.config.MacAddress != ""
	isUsual := len(attached) == 0 || len(attached) == 1 && isDefaultNetwork(mode) && usualNetworks.Has(attached[0]) && !hasAddress
	if isOther || isUsual && !r.gave("networks") {
		return
	}
	for _, name := range attached {
		r.spec.Networks = append(r.spec.Networks, r.attachmentOf(name, given))
	}
}

// usualNetworks are the networks of which an engine takes one if it is asked for none. It is none if the engine has no bridge.
var usualNetworks = sets.New(network.NetworkBridge, network.NetworkNone, "nat", "podman")

// isDefaultNetwork reports whether a container is on the network that Docker takes if it is asked for none.
func isDefaultNetwork(mode container.NetworkMode) bool {
	return mode == "" || mode.IsDefault() || mode.IsBridge()
}

// attachedNetworks returns the names of the container's networks: first those that the creator gave, in their order, or the
// one that the container was created on.
func (r *reading) attachedNetworks(inOrder []given[v1alpha1.ContainerNetworkAttachment]) (names []string) {
	if r.NetworkSettings == nil {
		return nil
	}
	left := maps.Clone(r.NetworkSettings.Networks)
	take := func(name string) {
		if _, ok := left[name]; ok {
			names = append(names, name)
			delete(left, name)
		}
	}
	for _, item := range inOrder {
		take(item.keys.Name)
	}
	if len(names) == 0 {
		take(r.firstNetwork())
	}
	return append(names, slices.Sorted(maps.Keys(left))...)
}

// firstNetwork returns the name of the network that the container was created on. Docker's client may have been given the
// ID.
func (r *reading) firstNetwork() string {
	mode := r.host.NetworkMode
	if isDefaultNetwork(mode) {
		return network.NetworkBridge
	}
	for name, endpoint := range r.NetworkSettings.Networks {
		if endpoint != nil && len(mode) >= shortIDLength && strings.HasPrefix(endpoint.NetworkID, string(mode)) {
			return name
		}
	}
	return string(mode)
}

// attachmentOf returns how the container is connected to a network. It leaves out what Docker chose by itself: the addresses,
// and the aliases that some engines add at the end, which are the beginning of the ID and the host name. While the container
// does not run, Docker does not show a MAC address.
func (r *reading) attachmentOf(name string, all []given[v1alpha1.ContainerNetworkAttachment]) v1alpha1.ContainerNetworkAttachment {
	attached := v1alpha1.ContainerNetworkAttachment{Name: unique.Make(name).Value()}
	endpoint := r.NetworkSettings.Networks[name]
	if endpoint == nil {
		return attached
	}
	attached.Aliases = slices.Clone(endpoint.Aliases)
	if i := slices.Index(attached.Aliases, r.shortID()); i >= 0 {
		attached.Aliases = attached.Aliases[:i]
	}
	if len(attached.Aliases) == 0 {
		attached.Aliases = nil
	}
	if ipam := endpoint.IPAMConfig; ipam != nil {
		attached.Ipv4Address, attached.Ipv6Address = ipam.IPv4Address, ipam.IPv6Address
	}
	//lint:ignore SA1019 nothing else says which address was given
	if configured := r.config.MacAddress; configured != "" && name == r.firstNetwork() {
		attached.MACAddress = configured
	}
	for _, item := range all {
		given := item.fields.at("macAddress").value()
		if item.keys.Name == name && given != "" && (endpoint.MacAddress == "" || strings.EqualFold(given, endpoint.MacAddress)) {
			attached.MACAddress = given
		}
	}
	return attached
}

// networksOf returns the networks that a container is connected to, with its addresses.
func networksOf(c *container.InspectResponse) (shown []v1alpha1.ContainerNetworkStatus) {
	if c.NetworkSettings == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(c.NetworkSettings.Networks)) {
		status := v1alpha1.ContainerNetworkStatus{Name: unique.Make(name).Value()}
		if e := c.NetworkSettings.Networks[name]; e != nil {
			status.NetworkID, status.MACAddress = unique.Make(e.NetworkID).Value(), e.MacAddress
			status.IPAddress, status.Ipv6Address, status.Gateway = e.IPAddress, e.GlobalIPv6Address, unique.Make(e.Gateway).Value()
		}
		shown = append(shown, status)
	}
	return shown
}
