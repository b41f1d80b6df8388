// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/cli/cli/command/formatter"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/volume"
	"github.com/fvbommel/sortorder"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	apis "github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/usage"
	typedv1alpha1 "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
)

func newVolumeCommand(p *plugin) *cobra.Command {
	return newParentCommand("volume", "Manage volumes", newVolumeCreateCommand(p), newVolumeLsCommand(p), newVolumeRmCommand(p), newVolumePruneCommand(p))
}

// volumes is a client for the volumes of one engine.
type volumes struct {
	typedv1alpha1.VolumeInterface
}

func (e *engine) volumes() *volumes { return &volumes{e.kinds.Volumes(e.namespace)} }

// find returns the volume with this name in Docker, or with this name of the object.
func (v *volumes) find(ctx context.Context, name string) (*v1alpha1.Volume, error) {
	made := apis.ObjectName(name)
	found, err := v.Get(ctx, made, metav1.GetOptions{})
	if isAbsent(err) && made != name && apis.IsMadeName(name) {
		return v.Get(ctx, name, metav1.GetOptions{})
	}
	return found, err
}

// volumeFilters are the filters of volumes.
var volumeFilters = filterSet[v1alpha1.Volume]{
	"dangling": {
		matches: func(chosen filters.Args, v *v1alpha1.Volume) bool {
			return v.Status.InUse != nil && chosen.ExactMatch("dangling", strconv.FormatBool(!*v.Status.InUse))
		},
		check: isTrueOrFalse,
	},
	"driver": {matches: func(chosen filters.Args, v *v1alpha1.Volume) bool {
		return chosen.ExactMatch("driver", v.Status.Driver)
	}},
	"label": {matches: func(chosen filters.Args, v *v1alpha1.Volume) bool {
		return chosen.MatchKVList("label", v.Status.Labels)
	}},
	"name": {matches: func(chosen filters.Args, v *v1alpha1.Volume) bool { return chosen.Match("name", v.Status.Name) }},
}

func newVolumeLsCommand(p *plugin) *cobra.Command {
	var (
		quiet   bool
		chosen  []string
		written string
	)
	command := &cobra.Command{
		Use:               "ls",
		Aliases:           []string{"list"},
		Short:             "List volumes",
		Args:              usage.NoArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, _ []string) error {
			chosen, err := volumeFilters.parse(chosen)
			if err != nil {
				return err
			}
			client, err := p.engine(command.Context(), p.warnings())
			if err != nil {
				return err
			}
			list, err := client.volumes().List(command.Context(), metav1.ListOptions{})
			if err != nil {
				return fmt.Errorf("cannot list the volumes: %w", err)
			}
			return formatter.VolumeWrite(formatter.Context{
				Output: p.Out,
				Format: formatter.NewVolumeFormat(cmp.Or(written, formatter.TableFormatKey), quiet),
			}, volumesOf(list.Items, chosen))
		},
	}
	flags := command.Flags()
	flags.BoolVarP(&quiet, "quiet", "q", false, "Only display volume names")
	volumeFilters.addFlag(flags, &chosen)
	flags.StringVar(&written, "format", "", formatHelp)
	return command
}

// volumesOf returns what docker would list of the volumes that the filters choose.
func volumesOf(items []v1alpha1.Volume, chosen filters.Args) (listed []*volume.Volume) {
	for i := range items {
		if !volumeFilters.choose(chosen, &items[i]) {
			continue
		}
		status := &items[i].Status
		v := &volume.Volume{Name: status.Name, Driver: status.Driver, Mountpoint: status.Mountpoint, Scope: status.Scope, Labels: status.Labels, Options: status.Options}
		listed = append(listed, v)
	}
	slices.SortFunc(listed, func(a, b *volume.Volume) int { return byNature(a.Name, b.Name) })
	return listed
}

// byNature compares names as docker does: v2 is less than v10.
func byNature(a, b string) int {
	switch {
	case sortorder.NaturalLess(a, b):
		return -1
	case sortorder.NaturalLess(b, a):
		return 1
	}
	return strings.Compare(a, b)
}

func newVolumeRmCommand(p *plugin) *cobra.Command {
	return p.removeCommand(&cobra.Command{
		Use:               "rm VOLUME [VOLUME...]",
		Short:             "Remove one or more volumes",
		Long:              "Removes one or more volumes. Docker does not remove a volume that a container uses.",
		ValidArgsFunction: p.completeVolumes,
	}, "the name of a volume", "Take volumes that are not there for removed", func(ctx context.Context, e *engine, name string) error {
		return removeFound(ctx, name, e.volumes().find, e.volumes().Delete)
	})
}

// completeVolumes completes the names of the volumes.
func (p *plugin) completeVolumes(command *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return p.completeNames(func(ctx context.Context, e *engine) ([]offer, error) {
		return offers(ctx, e.volumes().List, func(v *v1alpha1.Volume) offer { return offer{v.Status.Name, v.Status.Driver} })
	})(command, given, begun)
}
