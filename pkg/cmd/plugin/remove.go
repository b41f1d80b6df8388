// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// removeCommand completes a command that removes objects of a kind by their names. argument says what it takes, such as the
// name of a volume, and forceHelp what its -f does.
func (p *plugin) removeCommand(command *cobra.Command, argument, forceHelp string, remove func(context.Context, *engine, string) error) *cobra.Command {
	var force bool
	command.Aliases = []string{"remove"}
	command.Args = func(command *cobra.Command, arguments []string) error {
		if len(arguments) == 0 {
			return fmt.Errorf("%s needs %s (%[1]s --help shows how it is used)", command.CommandPath(), argument)
		}
		return nil
	}
	command.RunE = func(command *cobra.Command, arguments []string) error {
		client, err := p.engine(command.Context(), p.warnings())
		if err != nil {
			return err
		}
		return p.each(command.Context(), arguments, together, func(ctx context.Context, name string) (string, error) {
			err := remove(ctx, client, name)
			if force && isAbsent(err) { // docker takes that for a success, too
				err = nil
			}
			return name, err
		})
	}
	command.Flags().BoolVarP(&force, "force", "f", false, forceHelp)
	return command
}

// removeFound removes the object that find finds by a name, and no other one that has come to have its name since.
func removeFound[T metav1.Object](ctx context.Context, name string, find func(context.Context, string) (T, error), remove func(context.Context, string, metav1.DeleteOptions) error) error {
	found, err := find(ctx, name)
	if err != nil {
		return err
	}
	if err := remove(ctx, found.GetName(), metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(found.GetUID()))}); err != nil {
		return fmt.Errorf("cannot remove %s: %w", name, err)
	}
	return nil
}
