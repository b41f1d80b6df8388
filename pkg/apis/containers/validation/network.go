// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	modeHost      = "host"
	modeNone      = "none"
	modeBridge    = "bridge"
	modeContainer = "container:"
	// hostGateway is the word for the address of the engine's host.
	hostGateway = "host-gateway"
)

var (
	networkModes = []string{modeBridge, modeHost, modeNone, modeContainer + "<name>"}

	// aliasGrammar has the names under which a container can be found.
	aliasGrammar = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$`)
	networkIDs   = regexp.MustCompile(`^[a-f0-9]{64}$`)
)

func validatePorts(spec *v1alpha1.ContainerSpec) field.ErrorList {
	var errs field.ErrorList
	for i, port := range spec.Ports {
		path := specPath.Child("ports").Index(i)
		if port.ContainerPort < 1 || port.ContainerPort > math.MaxUint16 {
			errs = append(errs, field.Invalid(path.Child("containerPort"), port.ContainerPort, "must be between 1 and 65535"))
		}
		if port.Protocol != "" {
			errs = append(errs, oneOf(path.Child("protocol"), port.Protocol, containers.Protocols)...)
		}
		if port.HostPort != nil && (*port.HostPort < 0 || *port.HostPort > math.MaxUint16) {
			errs = append(errs, field.Invalid(path.Child("hostPort"), *port.HostPort, "must be between 1 and 65535, or 0 for one that Docker chooses"))
		}
		if port.HostIP != "" {
			errs = append(errs, address(path.Child("hostIP"), port.HostIP, "", netip.Addr.IsValid)...)
			if port.HostPort == nil {
				errs = append(errs, field.Required(path.Child("hostPort"), "the port is published at hostIP only with a hostPort: 0 lets Docker choose one"))
			}
		}
		for j, other := range spec.Ports[:i] {
			if words := clash(port, other); words != "" {
				errs = append(errs, field.Invalid(path, describe(port), fmt.Sprintf("%s spec.ports[%d]", words, j)))
				break
			}
		}
	}
	return errs
}

// clash says why two ports cannot stand in one list, or nothing.
func clash(port, other v1alpha1.ContainerPublishedPort) string {
	if containers.ProtocolOf(port) != containers.ProtocolOf(other) {
		return ""
	}
	isSame := port.ContainerPort == other.ContainerPort
	switch {
	case isSame && port.HostPort == nil && other.HostPort == nil:
		return "is the same as"
	case isSame && (port.HostPort == nil || other.HostPort == nil):
		return "is exposed already, as it is published by"
	case port.HostPort == nil || other.HostPort == nil || *port.HostPort != *other.HostPort:
		return ""
	case *port.HostPort == 0 && isSame && port.HostIP == other.HostIP:
		return "is the same as"
	case *port.HostPort != 0 && overlap(port.HostIP, other.HostIP):
		return "has the same port on the engine's host as"
	}
	return ""
}

func describe(port v1alpha1.ContainerPublishedPort) string {
	text := fmt.Sprintf("%d/%s", port.ContainerPort, containers.ProtocolOf(port))
	if port.HostPort != nil {
		text = fmt.Sprintf("%s:%d->%s", port.HostIP, *port.HostPort, text)
	}
	return text
}

// overlap reports whether a port cannot be published at both addresses. No address means all addresses.
func overlap(a, b string) bool {
	one, errOne := netip.ParseAddr(a)
	other, errOther := netip.ParseAddr(b)
	switch {
	case a == b || a == "" || b == "":
		return true
	case errOne != nil || errOther != nil || one.Is4() != other.Is4():
		return false
	}
	return one == other || one.IsUnspecified() || other.IsUnspecified()
}

// address returns the errors of an IP address in the form in which every engine shows it. kind is a word for the addresses
// that are allowed.
func address(path *field.Path, value, kind string, isKind func(netip.Addr) bool) field.ErrorList {
	parsed, err := netip.ParseAddr(value)
	switch {
	case err != nil || !isKind(parsed) || parsed.Zone() != "":
		return field.ErrorList{field.Invalid(path, value, "must be an "+kind+"IP address")}
	case parsed.String() != value:
		return field.ErrorList{field.Invalid(path, value, "must be written as "+parsed.String())}
	}
	return nil
}

func validateNetworkMode(spec *v1alpha1.ContainerSpec) field.ErrorList {
	mode, path := spec.NetworkMode, specPath.Child("networkMode")
	if mode == "" {
		return nil
	}
	var errs field.ErrorList
	if len(spec.Networks) > 0 {
		errs = append(errs, field.Forbidden(path, "cannot be combined with networks: the first network is the one that the container starts with"))
	}
	if !strings.HasPrefix(mode, modeContainer) {
		if !slices.Contains([]string{modeBridge, modeHost, modeNone}, mode) {
			notSupported := field.NotSupported(path, mode, networkModes)
			notSupported.Detail += ". To connect the container to a network by its name, use networks"
			errs = append(errs, notSupported)
		}
		return errs
	}
	errs = append(errs, containerMode(path, mode)...)
	const reason = "cannot be combined with the network of another container"
	return append(errs, forbidden(specPath, reason, []part{
		{"hostname", spec.Hostname != ""}, {"dns", spec.DNS != nil && len(spec.DNS.Servers) > 0}, {"extraHosts", len(spec.ExtraHosts) > 0},
		{"ports", len(spec.Ports) > 0}, {"publishAllPorts", spec.PublishAllPorts},
	})...)
}

// containerMode returns the errors of a mode that names another container.
func containerMode(path *field.Path, mode string) field.ErrorList {
	if !containers.IsContainerName(strings.TrimPrefix(mode, modeContainer)) {
		return field.ErrorList{field.Invalid(path, mode, "must name a container, such as container:web")}
	}
	return nil
}

func validateNetworks(spec *v1alpha1.ContainerSpec) field.ErrorList {
	var errs field.ErrorList
	given := map[string]bool{}
	for i, network := range spec.Networks {
		path := specPath.Child("networks").Index(i)
		if given[network.Name] {
			errs = append(errs, field.Duplicate(path.Child("name"), network.Name))
		}
		given[network.Name] = true
		errs = append(errs, validateNetwork(path, network)...)
	}
	return errs
}

func validateNetwork(path *field.Path, network v1alpha1.ContainerNetworkAttachment) field.ErrorList {
	errs := networkName(path.Child("name"), network.Name)
	aliases := path.Child("aliases")
	for i, alias := range network.Aliases {
		if !aliasGrammar.MatchString(alias) {
			errs = append(errs, field.Invalid(aliases.Index(i), alias, "must have letters, digits, '_', '.' and '-', and no '-' or '.' first"))
		}
	}
	errs = append(errs, unique(aliases, network.Aliases)...)
	if network.Ipv4Address != "" {
		errs = append(errs, address(path.Child("ipv4Address"), network.Ipv4Address, "IPv4 ", netip.Addr.Is4)...)
	}
	if network.Ipv6Address != "" {
		errs = append(errs, address(path.Child("ipv6Address"), network.Ipv6Address, "IPv6 ", isIPv6)...)
	}
	if network.MACAddress != "" {
		if mac, err := net.ParseMAC(network.MACAddress); err != nil || len(mac) != 6 {
			errs = append(errs, field.Invalid(path.Child("macAddress"), network.MACAddress, "must be six bytes, such as 02:42:ac:11:00:02"))
		}
	}
	if network.Name == modeBridge {
		const reason = "Docker's own network bridge has none: make a network, and use that"
		errs = append(errs, forbidden(path, reason, []part{
			{"aliases", len(network.Aliases) > 0}, {"ipv4Address", network.Ipv4Address != ""}, {"ipv6Address", network.Ipv6Address != ""},
		})...)
	}
	return errs
}

func networkName(path *field.Path, name string) field.ErrorList {
	switch {
	case strings.TrimSpace(name) == "":
		return field.ErrorList{field.Required(path, "must be the name of a network")}
	case name == modeHost || name == modeNone || name == "default" || strings.HasPrefix(name, modeContainer):
		return field.ErrorList{field.Invalid(path, name, "must be the name of a network that others can be combined with: use networkMode for bridge, host, none and container:<name>")}
	case networkIDs.MatchString(name):
		return field.ErrorList{field.Invalid(path, name, "must be the name of the network, not its ID")}
	}
	return containers.ValidateText(path, name)
}

func isIPv6(address netip.Addr) bool { return address.Is6() && !address.Is4In6() }

func validateDNS(spec *v1alpha1.ContainerSpec) field.ErrorList {
	var errs field.ErrorList
	if dns, path := spec.DNS, specPath.Child("dns"); dns != nil {
		for i, server := range dns.Servers {
			errs = append(errs, address(path.Child("servers").Index(i), server, "", netip.Addr.IsValid)...)
		}
		errs = append(errs, resolverWords(path.Child("searches"), dns.Searches, "must be a domain, such as example.com")...)
		errs = append(errs, resolverWords(path.Child("options"), dns.Options, "must be an option of /etc/resolv.conf, such as ndots:2")...)
	}
	for i, line := range spec.ExtraHosts {
		path := specPath.Child("extraHosts").Index(i)
		name, to, _ := strings.Cut(line, ":")
		if _, err := netip.ParseAddr(to); name == "" || strings.ContainsAny(name, " \t\n\x00") || err != nil && to != hostGateway {
			errs = append(errs, field.Invalid(path, line, "must be name:address, such as db:10.0.0.2 or host.docker.internal:host-gateway"))
		}
	}
	return errs
}

// resolverWords returns the errors of words that stand in a line of /etc/resolv.conf.
func resolverWords(path *field.Path, list []string, reason string) field.ErrorList {
	var errs field.ErrorList
	for i, word := range list {
		if word == "" || strings.ContainsAny(word, " \t\n\r\x00") {
			errs = append(errs, field.Invalid(path.Index(i), word, reason))
		}
	}
	return errs
}
