// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func newNetworkConnectCommand(p *plugin) *cobra.Command {
	var attachment v1alpha1.ContainerNetworkAttachment
	command := &cobra.Command{
		Use:   "connect [OPTIONS] NETWORK CONTAINER",
		Short: "Connect a container to a network",
	}
	flags := command.Flags()
	flags.StringArrayVar(&attachment.Aliases, "alias", nil, "Add network-scoped alias for the container")
	flags.StringVar(&attachment.Ipv4Address, "ip", "", `IPv4 address (e.g., "172.30.100.104")`)
	flags.StringVar(&attachment.Ipv6Address, "ip6", "", `IPv6 address (e.g., "2001:db8::33")`)
	return p.networkCommand(command, "connect %s to %s", func(container, network string, networks []v1alpha1.ContainerNetworkAttachment) ([]v1alpha1.ContainerNetworkAttachment, error) {
		if slices.ContainsFunc(networks, isNamed(network)) {
			return nil, fmt.Errorf("endpoint with name %s already exists in network %s", container, network)
		}
		attachment.Name = network
		return append(networks, attachment), nil
	})
}

func newNetworkDisconnectCommand(p *plugin) *cobra.Command {
	command := &cobra.Command{
		Use:   "disconnect NETWORK CONTAINER",
		Short: "Disconnect a container from a network",
	}
	return p.networkCommand(command, "disconnect %s from %s", func(container, network string, networks []v1alpha1.ContainerNetworkAttachment) ([]v1alpha1.ContainerNetworkAttachment, error) {
		if !slices.ContainsFunc(networks, isNamed(network)) {
			return nil, fmt.Errorf("container %s is not connected to network %s", container, network)
		}
		return slices.DeleteFunc(networks, isNamed(network)), nil
	})
}

func isNamed(name string) func(v1alpha1.ContainerNetworkAttachment) bool {
	return func(attachment v1alpha1.ContainerNetworkAttachment) bool { return attachment.Name == name }
}

// networkChange returns the networks that a container is to have, or why that cannot be.
type networkChange func(container, network string, networks []v1alpha1.ContainerNetworkAttachment) ([]v1alpha1.ContainerNetworkAttachment, error)

// networkCommand completes a command that changes the networks of a container. what says what it does, with places for the
// container and the network.
func (p *plugin) networkCommand(command *cobra.Command, what string, change networkChange) *cobra.Command {
	command.Args = func(command *cobra.Command, arguments []string) error {
		if len(arguments) != 2 {
			return fmt.Errorf("%s needs the name or the ID of a network, and that of a container", command.CommandPath())
		}
		return nil
	}
	command.ValidArgsFunction = func(command *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		switch len(given) {
		case 0:
			return p.completeNetworks(command, given, begun)
		case 1:
			return p.complete(isAny)(command, nil, begun)
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	command.RunE = func(command *cobra.Command, arguments []string) error {
		client, err := p.connect(command.Context(), p.warnings())
		if err != nil {
			return err
		}
		network, err := client.networks().find(command.Context(), arguments[0])
		if err != nil {
			return err
		}
		err = client.changeNetworks(command.Context(), arguments[1], network.Status.Name, change)
		if err != nil && !isAbsent(err) {
			err = fmt.Errorf("cannot "+what+": %w", arguments[1], arguments[0], err)
		}
		return err
	}
	return command
}

// changeNetworks changes the networks of a container. It looks again if the container has changed meanwhile.
func (c *containers) changeNetworks(ctx context.Context, argument, network string, change networkChange) error {
	return retry.OnError(retry.DefaultRetry, apierrors.IsConflict, func() error {
		found, err := c.find(ctx, argument)
		if err != nil {
			return err
		}
		networks, err := change(argument, network, networksOf(found))
		if err != nil {
			return err
		}
		patch, err := json.Marshal(map[string]any{
			"metadata": map[string]any{"resourceVersion": found.ResourceVersion},
			"spec":     map[string]any{"networks": networks},
		})
		if err != nil {
			return err
		}
		changed, err := c.Patch(ctx, found.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(networksOf(changed), isNamed(network)) && !slices.ContainsFunc(networks, isNamed(network)) {
			return errors.New("a container that was made without networks keeps the default one while it has no other")
		}
		return nil
	})
}

// networksOf returns the networks of a container. The spec does not name the default network of a container that has no
// other.
func networksOf(container *v1alpha1.Container) []v1alpha1.ContainerNetworkAttachment {
	if len(container.Spec.Networks) > 0 {
		return container.Spec.Networks
	}
	var networks []v1alpha1.ContainerNetworkAttachment
	for _, connected := range container.Status.Networks {
		networks = append(networks, v1alpha1.ContainerNetworkAttachment{Name: connected.Name})
	}
	return networks
}
