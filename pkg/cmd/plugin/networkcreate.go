// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/docker/cli/opts"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	apis "github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// networkFlags are the flags of network create. Each is one of docker's.
type networkFlags struct {
	spec                      v1alpha1.NetworkSpec
	ipv6                      bool
	options, ipamOptions      *opts.MapOpts
	labels                    opts.ListOpts
	subnets, ranges, gateways []string
}

func newNetworkCreateCommand(p *plugin) *cobra.Command {
	given := networkFlags{options: opts.NewMapOpts(nil, nil), ipamOptions: opts.NewMapOpts(nil, nil), labels: opts.NewListOpts(opts.ValidateLabel)}
	command := &cobra.Command{
		Use:   "create NETWORK",
		Short: "Create a network",
		Long:  "Creates a network and prints its ID.",
		Args: func(command *cobra.Command, arguments []string) error {
			if len(arguments) != 1 {
				return fmt.Errorf("%s needs the name of one network, and was given %d", command.CommandPath(), len(arguments))
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, arguments []string) error {
			wanted, err := given.network(arguments[0], command.Flags().Changed("ipv6"))
			if err != nil {
				return err
			}
			client, err := p.engine(command.Context(), p.warnings())
			if err != nil {
				return err
			}
			made, err := client.networks().Create(command.Context(), wanted, metav1.CreateOptions{FieldManager: fieldManager})
			if err != nil {
				return fmt.Errorf("cannot create %s: %w", wanted.Name, client.explain("networks", err))
			}
			return p.print([]string{made.Status.ID})
		},
	}
	given.add(command.Flags())
	return command
}

func (f *networkFlags) add(flags *pflag.FlagSet) {
	flags.StringVarP(&f.spec.Driver, "driver", "d", v1alpha1.DefaultNetworkDriver, "Driver to manage the Network")
	flags.VarP(f.options, "opt", "o", "Set driver specific options")
	flags.VarP(&f.labels, "label", "l", "Set metadata on a network")
	flags.BoolVar(&f.spec.Internal, "internal", false, "Restrict external access to the network")
	flags.BoolVar(&f.ipv6, "ipv6", false, "Enable or disable IPv6 address assignment")
	flags.BoolVar(&f.spec.Attachable, "attachable", false, "Enable manual container attachment")
	flags.StringVar(&f.spec.IPAM.Driver, "ipam-driver", v1alpha1.DefaultIPAMDriver, "IP Address Management Driver")
	flags.Var(f.ipamOptions, "ipam-opt", "Set IPAM driver specific options")
	flags.StringSliceVar(&f.subnets, "subnet", nil, "Subnet in CIDR format that represents a network segment")
	flags.StringSliceVar(&f.ranges, "ip-range", nil, "Allocate container ip from a sub-range")
	flags.StringSliceVar(&f.gateways, "gateway", nil, "IPv4 or IPv6 Gateway for the master subnet")
}

// network returns the Network that the flags describe.
func (f *networkFlags) network(name string, isIPv6Given bool) (*v1alpha1.Network, error) {
	wanted := &v1alpha1.Network{Spec: f.spec}
	wanted.Name = name
	wanted.Labels, wanted.Spec.Labels = apis.SplitLabels(opts.ConvertKVStringsToMap(f.labels.GetSlice()))
	wanted.Spec.Options, wanted.Spec.IPAM.Options = f.options.GetAll(), f.ipamOptions.GetAll()
	if isIPv6Given {
		wanted.Spec.EnableIPv6 = &f.ipv6
	}
	var err error
	wanted.Spec.IPAM.Config, err = f.config()
	return wanted, err
}

// config puts each range and each gateway beside the subnet that it is in, as docker does.
func (f *networkFlags) config() ([]v1alpha1.NetworkIPAMConfig, error) {
	if len(f.subnets) < len(f.ranges) || len(f.subnets) < len(f.gateways) {
		return nil, errors.New("every ip-range or gateway must have a corresponding subnet")
	}
	var configs []v1alpha1.NetworkIPAMConfig
	for _, subnet := range f.subnets {
		configs = append(configs, v1alpha1.NetworkIPAMConfig{Subnet: subnet})
	}
	for _, given := range f.ranges {
		part, err := netip.ParsePrefix(given)
		if err != nil {
			return nil, fmt.Errorf("--ip-range: %w", err)
		}
		if err := fill(configs, part.Addr(), "range", given, func(c *v1alpha1.NetworkIPAMConfig) *string { return &c.IPRange }); err != nil {
			return nil, err
		}
	}
	for _, given := range f.gateways {
		gateway, err := netip.ParseAddr(given)
		if err != nil {
			return nil, fmt.Errorf("--gateway: %w", err)
		}
		if err := fill(configs, gateway, "gateway", given, func(c *v1alpha1.NetworkIPAMConfig) *string { return &c.Gateway }); err != nil {
			return nil, err
		}
	}
	return configs, nil
}

// fill writes a value into the field of the config whose subnet has the address.
func fill(configs []v1alpha1.NetworkIPAMConfig, address netip.Addr, what, value string, field func(*v1alpha1.NetworkIPAMConfig) *string) error {
	for i := range configs {
		subnet, err := netip.ParsePrefix(configs[i].Subnet)
		if err != nil {
			return fmt.Errorf("--subnet: %w", err)
		}
		if !subnet.Contains(address) {
			continue
		}
		if there := field(&configs[i]); *there != "" {
			return fmt.Errorf("cannot configure multiple %ss (%s, %s) on the same subnet (%s)", what, value, *there, subnet)
		}
		*field(&configs[i]) = value
		return nil
	}
	return fmt.Errorf("no matching subnet for %s %s", what, value)
}
