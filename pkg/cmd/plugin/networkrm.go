// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func newNetworkRmCommand(p *plugin) *cobra.Command {
	var force bool
	command := &cobra.Command{
		Use:     "rm NETWORK [NETWORK...]",
		Aliases: []string{"remove"},
		Short:   "Remove one or more networks",
		Long:    "Removes one or more networks. Docker does not remove a network that a running container is connected to.",
		Args: func(command *cobra.Command, arguments []string) error {
			if len(arguments) == 0 {
				return fmt.Errorf("%s needs the name or the ID of a network (%[1]s --help shows how it is used)", command.CommandPath())
			}
			return nil
		},
		ValidArgsFunction: p.completeNetworks,
		RunE: func(command *cobra.Command, arguments []string) error {
			client, err := p.engine(command.Context(), p.warnings())
			if err != nil {
				return err
			}
			return p.each(command.Context(), arguments, together, func(ctx context.Context, name string) (string, error) {
				err := client.networks().remove(ctx, name)
				if force && isAbsent(err) {
					err = nil
				}
				return name, err
			})
		},
	}
	command.Flags().BoolVarP(&force, "force", "f", false, "Do not error if the network does not exist")
	return command
}

func (n *networks) remove(ctx context.Context, name string) error {
	found, err := n.find(ctx, name)
	if err != nil {
		return err
	}
	if err := n.Delete(ctx, found.Name, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(found.UID))}); err != nil {
		return fmt.Errorf("cannot remove %s: %w", name, err)
	}
	return nil
}

// completeNetworks completes the names of the networks.
func (p *plugin) completeNetworks(command *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return p.completeNames(func(ctx context.Context, e *engine) ([]offer, error) {
		list, err := e.networks().List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		var offers []offer
		for i := range list.Items {
			offers = append(offers, offer{list.Items[i].Status.Name, list.Items[i].Status.Driver})
		}
		return offers, nil
	})(command, given, begun)
}
