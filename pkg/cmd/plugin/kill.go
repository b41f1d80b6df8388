// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func newKillCommand(p *plugin) *cobra.Command {
	var signal string
	command := &cobra.Command{
		Use:               "kill CONTAINER [CONTAINER...]",
		Short:             "Kill one or more running containers",
		GroupID:           groupChange,
		Args:              someContainers,
		ValidArgsFunction: p.complete(isUp),
		RunE: func(command *cobra.Command, arguments []string) error {
			client, err := p.connect(command.Context(), p.warnings())
			if err != nil {
				return err
			}
			return p.each(command.Context(), arguments, together, func(ctx context.Context, argument string) (string, error) {
				return argument, client.kill(ctx, argument, signal)
			})
		},
	}
	command.Flags().StringVarP(&signal, "signal", "s", "", "Signal to send to the container (default SIGKILL)")
	return command
}

func (c *containers) kill(ctx context.Context, argument, signal string) error {
	found, err := c.find(ctx, argument)
	if err != nil {
		return err
	}
	if err := subresource("kill").create(ctx, c, found.Name, &v1alpha1.ContainerKill{Signal: signal}); err != nil {
		return fmt.Errorf("cannot kill %s: %w", argument, err)
	}
	return nil
}
