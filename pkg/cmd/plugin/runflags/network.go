// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package runflags

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/docker/cli/opts"
	"github.com/docker/docker/api/types/container"
	"github.com/spf13/pflag"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	// defaultNetwork is what docker calls the network of a container without --network.
	defaultNetwork = "default"
	bridgeNetwork  = "bridge"
	hostNetwork    = "host"
)

// network says how a container is connected.
type network struct {
	networks                                   opts.NetworkOpt
	aliases                                    opts.ListOpts
	ip, ip6, mac                               string
	hosts, dnsServers, dnsSearches, dnsOptions opts.ListOpts
}

func newNetwork() *network {
	return &network{
		aliases: opts.NewListOpts(nil), hosts: opts.NewListOpts(opts.ValidateExtraHost), dnsServers: opts.NewListOpts(opts.ValidateIPAddress),
		dnsSearches: opts.NewListOpts(opts.ValidateDNSSearch), dnsOptions: opts.NewListOpts(nil),
	}
}

func (n *network) add(flags *pflag.FlagSet) {
	flags.Var(&n.networks, "network", "Connect a container to a network")
	flags.Var(&n.aliases, "network-alias", "Add network-scoped alias for the container")
	flags.StringVar(&n.ip, "ip", "", "IPv4 address (e.g., 172.30.100.104)")
	flags.StringVar(&n.ip6, "ip6", "", "IPv6 address (e.g., 2001:db8::33)")
	flags.StringVar(&n.mac, "mac-address", "", "Container MAC address (e.g., 92:d0:c6:0a:29:33)")
	flags.Var(&n.hosts, "add-host", "Add a custom host-to-IP mapping (host:ip)")
	flags.Var(&n.dnsServers, "dns", "Set custom DNS servers")
	flags.Var(&n.dnsSearches, "dns-search", "Set custom DNS search domains")
	flags.Var(&n.dnsOptions, "dns-option", "Set DNS options")
	flags.Var(&n.networks, "net", "")
	flags.Var(&n.aliases, "net-alias", "")
	flags.Var(&n.dnsOptions, "dns-opt", "")
	for _, former := range []string{"net", "net-alias", "dns-opt"} {
		flags.Lookup(former).Hidden = true
	}
}

func (n *network) apply(c *v1alpha1.Container) error {
	c.Spec.ExtraHosts = n.hosts.GetSlice()
	if dns := (v1alpha1.ContainerDNS{Servers: n.dnsServers.GetSlice(), Searches: n.dnsSearches.GetSlice(), Options: n.dnsOptions.GetSlice()}); len(dns.Servers)+len(dns.Searches)+len(dns.Options) > 0 {
		c.Spec.DNS = &dns
	}
	attachments, err := n.attachments()
	if err != nil {
		return err
	}
	first := attachments[0]
	switch {
	case isNetwork(first.Name) || first.MACAddress != "":
		c.Spec.Networks = attachments
	case first.Name != defaultNetwork:
		c.Spec.NetworkMode = first.Name
	}
	return nil
}

// attachments returns the networks, of which there is at least one. What is no network, such as host, stands alone.
func (n *network) attachments() (attachments []v1alpha1.ContainerNetworkAttachment, err error) {
	given := slices.Clone(n.networks.Value())
	if len(given) == 0 {
		given = []opts.NetworkAttachmentOpts{{Target: defaultNetwork}}
	}
	if err := n.amend(&given[0]); err != nil {
		return nil, err
	}
	for _, options := range given {
		if isNetwork(options.Target) != isNetwork(given[0].Target) {
			return nil, errors.New("conflicting options: cannot attach both user-defined and non-user-defined network-modes")
		}
		if slices.ContainsFunc(attachments, func(a v1alpha1.ContainerNetworkAttachment) bool { return a.Name == options.Target }) {
			return nil, fmt.Errorf("network %q is specified multiple times", options.Target)
		}
		attachment, err := attachmentOf(&options)
		if err != nil {
			return nil, err
		}
		attachments = append(attachments, attachment)
	}
	if len(attachments) > 1 && !isNetwork(attachments[0].Name) {
		return nil, errors.New("conflicting options: cannot attach to several networks by their modes")
	}
	return attachments, nil
}

// amend adds what the flags for the first network say.
func (n *network) amend(first *opts.NetworkAttachmentOpts) error {
	for _, flag := range []struct {
		given       string
		to          *string
		name, words string
	}{
		{n.ip, &first.IPv4Address, "ip", "IPv4 address"},
		{n.ip6, &first.IPv6Address, "ip6", "IPv6 address"},
		{n.mac, &first.MacAddress, "mac-address", "MAC address"},
	} {
		if flag.given != "" && *flag.to != "" {
			return fmt.Errorf("conflicting options: cannot specify both --%s and per-network %s", flag.name, flag.words)
		}
		if flag.given != "" {
			*flag.to = flag.given
		}
	}
	if n.aliases.Len() > 0 && len(first.Aliases) > 0 {
		return errors.New("conflicting options: cannot specify both --network-alias and per-network alias")
	}
	first.Aliases = append(first.Aliases, n.aliases.GetSlice()...)
	return nil
}

// attachmentOf checks the options for one network.
func attachmentOf(options *opts.NetworkAttachmentOpts) (v1alpha1.ContainerNetworkAttachment, error) {
	attachment := v1alpha1.ContainerNetworkAttachment{
		Name: options.Target, Aliases: options.Aliases, Ipv4Address: options.IPv4Address, Ipv6Address: options.IPv6Address, MACAddress: options.MacAddress,
	}
	if len(attachment.Aliases) == 0 {
		attachment.Aliases = nil
	}
	for _, check := range []struct {
		fails bool
		words string
	}{
		{strings.TrimSpace(options.Target) == "", "no name set for network"},
		{!isNetwork(options.Target) && len(options.Aliases) > 0, "network-scoped aliases are only supported for user-defined networks"},
		{!isNetwork(options.Target) && options.IPv4Address+options.IPv6Address != "", "user specified IP address is supported on user defined networks only"},
		{!isNetwork(options.Target) && !isBridge(options.Target) && options.MacAddress != "", "conflicting options: mac-address and the network mode"},
		{options.MacAddress != "" && !isMAC(options.MacAddress), options.MacAddress + " is not a valid mac address"},
		{len(options.LinkLocalIPs) > 0, "--network: link-local-ip is not supported"},
		{len(options.DriverOpts) > 0, "--network: driver-opt is not supported"},
		{options.GwPriority != 0, "--network: gw-priority is not supported: the first network is the one that the container starts with"},
	} {
		if check.fails {
			return attachment, errors.New(check.words)
		}
	}
	if attachment.Name == defaultNetwork && attachment.MACAddress != "" {
		attachment.Name = bridgeNetwork
	}
	attachment.Ipv4Address, attachment.Ipv6Address = address(attachment.Ipv4Address), address(attachment.Ipv6Address)
	if mac, err := net.ParseMAC(strings.TrimSpace(attachment.MACAddress)); err == nil {
		attachment.MACAddress = mac.String()
	}
	return attachment, nil
}

// isNetwork reports whether a value of --network is the name of a network that somebody has created. Docker's library asks
// what that is on this host, and a Windows host has no network "host".
func isNetwork(name string) bool {
	return container.NetworkMode(name).IsUserDefined() && name != hostNetwork
}

func isBridge(name string) bool {
	return name == defaultNetwork || name == bridgeNetwork
}

// address returns an IP address as Docker writes it.
func address(text string) string {
	if parsed, err := netip.ParseAddr(text); err == nil {
		return parsed.String()
	}
	return text
}

func isMAC(text string) bool {
	_, err := net.ParseMAC(strings.TrimSpace(text))
	return err == nil
}
