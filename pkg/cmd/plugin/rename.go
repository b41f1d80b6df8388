// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func newRenameCommand(p *plugin) *cobra.Command {
	return &cobra.Command{
		Use:     "rename CONTAINER NEW_NAME",
		Short:   "Rename a container",
		GroupID: groupChange,
		Args: func(command *cobra.Command, arguments []string) error {
			if len(arguments) != 2 {
				return fmt.Errorf("%s needs the name or the ID of a container, and a new name", command.CommandPath())
			}
			return nil
		},
		ValidArgsFunction: p.completeFirst(isAny),
		RunE: func(command *cobra.Command, arguments []string) error {
			client, found, err := p.container(command.Context(), arguments[0])
			if err != nil {
				return err
			}
			if err := subresource("rename").create(command.Context(), client, found.Name, &v1alpha1.ContainerRename{NewName: arguments[1]}); err != nil {
				return fmt.Errorf("cannot rename %s: %w", arguments[0], err)
			}
			return nil
		},
	}
}
