// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"fmt"
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// ValidateNetworkCreate returns the errors of a new network, without those of its name.
func ValidateNetworkCreate(network *v1alpha1.Network) field.ErrorList {
	spec, path := &network.Spec, specPath
	errs := unstoredMetadata(network, &v1alpha1.Network{}, "cannot be set: Docker cannot store %s of a network")
	errs = append(errs, ValidateSpecLabels(network.Labels, spec.Labels)...)
	errs = append(errs, ValidateOptions(path.Child("options"), spec.Options)...)
	path = path.Child("ipam")
	errs = append(errs, ValidateOptions(path.Child("options"), spec.IPAM.Options)...)
	path = path.Child("config")
	var subnets []netip.Prefix
	for i, config := range spec.IPAM.Config {
		subnet, invalid := validateAddresses(path.Index(i), config)
		errs = append(errs, invalid...)
		if !subnet.IsValid() {
			continue
		}
		if subnet.Addr().Is6() && !ptr.Deref(spec.EnableIPv6, true) {
			errs = append(errs, field.Invalid(path.Index(i).Child("subnet"), config.Subnet, "must be an IPv4 range, as spec.enableIPv6 is false"))
		}
		for _, other := range subnets {
			if subnet.Overlaps(other) {
				errs = append(errs, field.Invalid(path.Index(i).Child("subnet"), config.Subnet, fmt.Sprintf("must not overlap with %s", other)))
			}
		}
		subnets = append(subnets, subnet)
	}
	return errs
}

// validateAddresses returns the subnet of a range of addresses, and the errors of the range. Docker shows addresses in the
// form that they must have here, so that what is read back is what was given.
func validateAddresses(path *field.Path, config v1alpha1.NetworkIPAMConfig) (netip.Prefix, field.ErrorList) {
	if config.Subnet == "" {
		return netip.Prefix{}, field.ErrorList{field.Required(path.Child("subnet"), "Docker needs the subnet of the range, such as 172.28.0.0/16")}
	}
	subnet, err := parseRange(path.Child("subnet"), config.Subnet)
	if err != nil {
		return netip.Prefix{}, field.ErrorList{err}
	}
	var errs field.ErrorList
	if config.IPRange != "" {
		path := path.Child("ipRange")
		if part, err := parseRange(path, config.IPRange); err != nil {
			errs = append(errs, err)
		} else if !subnet.Contains(part.Addr()) || part.Bits() < subnet.Bits() {
			errs = append(errs, field.Invalid(path, config.IPRange, fmt.Sprintf("must be a part of the subnet %s", subnet)))
		}
	}
	if config.Gateway != "" {
		path := path.Child("gateway")
		if gateway, err := netip.ParseAddr(config.Gateway); err != nil {
			errs = append(errs, field.Invalid(path, config.Gateway, "must be an address, such as 172.28.0.1"))
		} else if gateway.String() != config.Gateway {
			errs = append(errs, field.Invalid(path, config.Gateway, fmt.Sprintf("must be written as %s", gateway)))
		} else if !subnet.Contains(gateway) {
			errs = append(errs, field.Invalid(path, config.Gateway, fmt.Sprintf("must be in the subnet %s", subnet)))
		}
	}
	return subnet, errs
}

func parseRange(path *field.Path, value string) (netip.Prefix, *field.Error) {
	prefix, err := netip.ParsePrefix(value)
	if err != nil {
		return prefix, field.Invalid(path, value, "must be a range of addresses, such as 172.28.0.0/16")
	}
	if canonical := prefix.Masked(); canonical.String() != value {
		return prefix, field.Invalid(path, value, fmt.Sprintf("must be written as %s", canonical))
	}
	return prefix, nil
}

// IsPartOfRanges reports whether the existing ranges of a network are those that were given, in any order, and those that
// Docker chose where none was given: a range for IPv4, and one for IPv6.
func IsPartOfRanges(given, existing []v1alpha1.NetworkIPAMConfig) bool {
	bySubnet, isGiven := map[string]v1alpha1.NetworkIPAMConfig{}, map[bool]bool{}
	for _, config := range given {
		bySubnet[config.Subnet] = config
		isGiven[isIPv6(config)] = true
	}
	for _, config := range existing {
		wanted, found := bySubnet[config.Subnet]
		if isGiven[isIPv6(config)] && (!found || wanted != config) {
			return false
		}
		delete(bySubnet, config.Subnet)
	}
	return len(bySubnet) == 0
}

func isIPv6(config v1alpha1.NetworkIPAMConfig) bool { return strings.Contains(config.Subnet, ":") }

// ValidateNetworkUpdate returns the errors of a change from old to updated.
func ValidateNetworkUpdate(updated, old *v1alpha1.Network) field.ErrorList {
	errs := validateMetadataUpdate("a network", updated, old)
	errs = append(errs, ValidateImmutable(specPath, &updated.Spec, &old.Spec, "ipam")...)
	return append(errs, ValidateImmutable(specPath.Child("ipam"), &updated.Spec.IPAM, &old.Spec.IPAM)...)
}
