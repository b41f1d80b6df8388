// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/docker/cli/opts"
	"github.com/docker/docker/pkg/stringid"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	apis "github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// anonymousLabel is the label that Docker gives a volume whose name it makes up.
const anonymousLabel = "com.docker.volume.anonymous"

func newVolumeCreateCommand(p *plugin) *cobra.Command {
	var driver string
	options, labels := opts.NewMapOpts(nil, nil), opts.NewListOpts(opts.ValidateLabel)
	command := &cobra.Command{
		Use:   "create [VOLUME]",
		Short: "Create a volume",
		Long: "Creates a volume and prints its name. Without a name it makes one up. As with docker, a volume that is there and " +
			"was made with the same driver, options and labels is taken for the new one.",
		Args: func(command *cobra.Command, arguments []string) error {
			if len(arguments) > 1 {
				return fmt.Errorf("%s takes the name of one volume, and was given %d", command.CommandPath(), len(arguments))
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, arguments []string) error {
			all := opts.ConvertKVStringsToMap(labels.GetSlice())
			if len(arguments) == 0 {
				arguments, all[anonymousLabel] = []string{stringid.GenerateRandomID()}, ""
			}
			wanted := &v1alpha1.Volume{Spec: v1alpha1.VolumeSpec{Driver: driver, Options: options.GetAll()}}
			wanted.Name = arguments[0]
			wanted.Labels, wanted.Spec.Labels = apis.SplitLabels(all)
			client, err := p.engine(command.Context(), p.warnings())
			if err != nil {
				return err
			}
			if err := client.volumes().create(command.Context(), wanted); err != nil {
				return fmt.Errorf("cannot create %s: %w", wanted.Name, client.explain("volumes", err))
			}
			return p.print([]string{wanted.Name})
		},
	}
	flags := command.Flags()
	flags.StringVarP(&driver, "driver", "d", v1alpha1.DefaultVolumeDriver, "Specify volume driver name")
	flags.VarP(options, "opt", "o", "Set driver specific options")
	flags.VarP(&labels, "label", "l", "Set metadata for a volume")
	return command
}

// create makes a volume, unless one like it is there.
func (v *volumes) create(ctx context.Context, wanted *v1alpha1.Volume) error {
	_, err := v.Create(ctx, wanted, metav1.CreateOptions{FieldManager: fieldManager})
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	found, getErr := v.Get(ctx, wanted.Name, metav1.GetOptions{})
	if getErr != nil {
		return err
	}
	isSame := found.Spec.Driver == wanted.Spec.Driver && maps.Equal(found.Spec.Options, wanted.Spec.Options) &&
		maps.Equal(found.Status.Labels, apis.AllLabels(wanted.Labels, wanted.Spec.Labels))
	if !isSame {
		return errors.New("a volume of this name is there, with another driver, other options or other labels")
	}
	return nil
}
