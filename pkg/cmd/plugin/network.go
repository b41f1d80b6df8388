// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/cli/cli/command/formatter"
	"github.com/docker/docker/api/types/filters"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	apis "github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/usage"
	typedv1alpha1 "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
)

func newNetworkCommand(p *plugin) *cobra.Command {
	return newParentCommand("network", "Manage networks", newNetworkCreateCommand(p), newNetworkLsCommand(p), newNetworkRmCommand(p),
		newNetworkPruneCommand(p), newNetworkConnectCommand(p), newNetworkDisconnectCommand(p))
}

// networks is a client for the networks of one engine.
type networks struct {
	typedv1alpha1.NetworkInterface
}

func (e *engine) networks() *networks { return &networks{e.kinds.Networks(e.namespace)} }

// find returns the network that docker means by argument: its name, its ID, or the beginning of its ID.
func (n *networks) find(ctx context.Context, argument string) (*v1alpha1.Network, error) {
	found, err := n.Get(ctx, apis.ObjectName(argument), metav1.GetOptions{})
	if isAbsent(err) {
		return byPartOfID(ctx, argument, err, n.List, func(n *v1alpha1.Network) string { return n.Status.ID })
	}
	return found, err
}

// networkFilters are the filters of networks.
var networkFilters = filterSet[v1alpha1.Network]{
	"driver": {matches: func(chosen filters.Args, n *v1alpha1.Network) bool {
		return chosen.ExactMatch("driver", n.Status.Driver)
	}},
	"id": {matches: func(chosen filters.Args, n *v1alpha1.Network) bool { return chosen.Match("id", n.Status.ID) }},
	"label": {matches: func(chosen filters.Args, n *v1alpha1.Network) bool {
		return chosen.MatchKVList("label", n.Status.Labels)
	}},
	"name":  {matches: func(chosen filters.Args, n *v1alpha1.Network) bool { return chosen.Match("name", n.Status.Name) }},
	"scope": {matches: func(chosen filters.Args, n *v1alpha1.Network) bool { return chosen.ExactMatch("scope", n.Status.Scope) }},
}

func newNetworkLsCommand(p *plugin) *cobra.Command {
	var (
		quiet, noTrunc bool
		chosen         []string
		written        string
	)
	command := &cobra.Command{
		Use:               "ls",
		Aliases:           []string{"list"},
		Short:             "List networks",
		Args:              usage.NoArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, _ []string) error {
			chosen, err := networkFilters.parse(chosen)
			if err != nil {
				return err
			}
			client, err := p.engine(command.Context(), p.warnings())
			if err != nil {
				return err
			}
			list, err := client.networks().List(command.Context(), metav1.ListOptions{})
			if err != nil {
				return fmt.Errorf("cannot list the networks: %w", err)
			}
			items := slices.DeleteFunc(list.Items, func(n v1alpha1.Network) bool { return !networkFilters.choose(chosen, &n) })
			slices.SortFunc(items, func(a, b v1alpha1.Network) int { return byNature(a.Status.Name, b.Status.Name) })
			return writeNetworks(formatter.Context{Output: p.Out, Format: networkFormat(written, quiet), Trunc: !noTrunc}, items)
		},
	}
	flags := command.Flags()
	flags.BoolVarP(&quiet, "quiet", "q", false, "Only display network IDs")
	flags.BoolVar(&noTrunc, "no-trunc", false, "Don't truncate output")
	networkFilters.addFlag(flags, &chosen)
	flags.StringVar(&written, "format", "", formatHelp)
	return command
}

func newNetworkRmCommand(p *plugin) *cobra.Command {
	return p.removeCommand(&cobra.Command{
		Use:               "rm NETWORK [NETWORK...]",
		Short:             "Remove one or more networks",
		Long:              "Removes one or more networks. Docker does not remove a network that a running container is connected to.",
		ValidArgsFunction: p.completeNetworks,
	}, "the name or the ID of a network", "Do not error if the network does not exist", func(ctx context.Context, e *engine, name string) error {
		return removeFound(ctx, name, e.networks().find, e.networks().Delete)
	})
}

// completeNetworks completes the names of the networks.
func (p *plugin) completeNetworks(command *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return p.completeNames(func(ctx context.Context, e *engine) ([]offer, error) {
		return offers(ctx, e.networks().List, func(n *v1alpha1.Network) offer { return offer{n.Status.Name, n.Status.Driver} })
	})(command, given, begun)
}

// networkFormat returns the format of docker network ls. Docker's own is in a package with all of its commands.
func networkFormat(written string, quiet bool) formatter.Format {
	switch {
	case quiet && cmp.Or(written, formatter.TableFormatKey) == formatter.TableFormatKey:
		return formatter.DefaultQuietFormat
	case cmp.Or(written, formatter.TableFormatKey) == formatter.TableFormatKey:
		return `table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}`
	}
	return formatter.Format(written)
}

func writeNetworks(to formatter.Context, networks []v1alpha1.Network) error {
	header := &networkRow{HeaderContext: formatter.HeaderContext{Header: formatter.SubHeaderContext{
		"ID": "NETWORK ID", "Name": formatter.NameHeader, "Driver": formatter.DriverHeader, "Scope": formatter.ScopeHeader,
		"IPv6": "IPV6", "Internal": "INTERNAL", "Labels": formatter.LabelsHeader, "CreatedAt": formatter.CreatedAtHeader,
	}}}
	return to.Write(header, func(write func(formatter.SubContext) error) error {
		for i := range networks {
			if err := write(&networkRow{trunc: to.Trunc, network: &networks[i]}); err != nil {
				return err
			}
		}
		return nil
	})
}

// networkRow is a network as the templates of docker network ls see it.
type networkRow struct {
	formatter.HeaderContext
	trunc   bool
	network *v1alpha1.Network
}

// MarshalJSON implements json.Marshaler.
func (r *networkRow) MarshalJSON() ([]byte, error) { return formatter.MarshalJSON(r) }

// ID returns the network's ID.
func (r *networkRow) ID() string {
	if r.trunc {
		return formatter.TruncateID(r.network.Status.ID)
	}
	return r.network.Status.ID
}

// Name returns the network's name in Docker.
func (r *networkRow) Name() string { return r.network.Status.Name }

// Driver returns the network's driver.
func (r *networkRow) Driver() string { return r.network.Status.Driver }

// Scope returns the level at which the network exists.
func (r *networkRow) Scope() string { return r.network.Status.Scope }

// IPv6 returns whether containers get IPv6 addresses on the network.
func (r *networkRow) IPv6() string {
	return strconv.FormatBool(ptr.Deref(r.network.Spec.EnableIPv6, false))
}

// Internal returns whether the network has no way out to other networks.
func (r *networkRow) Internal() string { return strconv.FormatBool(r.network.Spec.Internal) }

// CreatedAt returns when the network was created.
func (r *networkRow) CreatedAt() string { return r.network.CreationTimestamp.String() }

// Label returns the value of a label.
func (r *networkRow) Label(name string) string { return r.network.Status.Labels[name] }

// Labels returns all labels.
func (r *networkRow) Labels() string {
	var labels []string
	for _, name := range slices.Sorted(maps.Keys(r.network.Status.Labels)) {
		labels = append(labels, name+"="+r.network.Status.Labels[name])
	}
	return strings.Join(labels, ",")
}
