// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/filters"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	apis "github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	typedv1alpha1 "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
)

// networks is a client for the networks of one engine.
type networks struct {
	typedv1alpha1.NetworkInterface
}

func (e *engine) networks() *networks { return &networks{e.kinds.Networks(e.namespace)} }

// find returns the network that docker means by argument: its name, its ID, or the beginning of its ID.
func (n *networks) find(ctx context.Context, argument string) (*v1alpha1.Network, error) {
	found, err := n.Get(ctx, apis.ObjectName(argument), metav1.GetOptions{})
	if !isAbsent(err) {
		return found, err
	}
	list, listErr := n.List(ctx, metav1.ListOptions{})
	if listErr != nil {
		return nil, err
	}
	matching := slices.DeleteFunc(list.Items, func(n v1alpha1.Network) bool { return !strings.HasPrefix(n.Status.ID, argument) })
	switch len(matching) {
	case 0:
		return nil, err
	case 1:
		return &matching[0], nil
	}
	return nil, fmt.Errorf("the IDs of %d networks begin with %s", len(matching), argument)
}

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

// networkPruneFilters are the filters of docker network prune, but for until.
var networkPruneFilters = labelFilters(func(network *v1alpha1.Network) map[string]string { return network.Status.Labels })

func newNetworkPruneCommand(p *plugin) *cobra.Command {
	c := &prune{plugin: p, some: "all custom networks not used by at least one container", title: "Deleted Networks:"}
	c.remove = func(ctx context.Context, e *engine, chosen filters.Args) ([]string, error) {
		return e.networks().prune(ctx, chosen)
	}
	return c.command("Remove all unused networks", "", networkPruneFilters.names(), networkPruneFilters.parse)
}

// prune removes the networks that no running container is connected to and that the filters choose, and returns their names.
func (n *networks) prune(ctx context.Context, chosen filters.Args) (removed []string, err error) {
	list, err := n.List(ctx, metav1.ListOptions{FieldSelector: "metadata.name!=bridge,metadata.name!=host,metadata.name!=none"})
	if err != nil {
		return nil, fmt.Errorf("cannot list the networks: %w", err)
	}
	isUnused := func(network *v1alpha1.Network) bool { return len(network.Status.Containers) == 0 }
	var problems []error
	for i := range list.Items {
		network := &list.Items[i]
		if !isUnused(network) || !networkPruneFilters.choose(chosen, network) {
			continue
		}
		hasRemoved, err := removeUnused(ctx, network, network.Status.Name, isUnused, n.Get, n.Delete)
		if hasRemoved {
			removed = append(removed, network.Status.Name)
		}
		problems = append(problems, err)
	}
	return removed, errors.Join(problems...)
}
