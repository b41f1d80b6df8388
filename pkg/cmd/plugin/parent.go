// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"github.com/spf13/cobra"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/usage"
)

// newParentCommand returns a command that has only commands of its own, as docker's image has.
func newParentCommand(name, short string, children ...*cobra.Command) *cobra.Command {
	command := &cobra.Command{
		Use:     name,
		Short:   short,
		GroupID: groupOthers,
		Args:    usage.KnownCommand,
		RunE:    func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.AddCommand(children...)
	return command
}

// asTwin makes a command its twin in a parent command: docker has rmi and image rm.
func asTwin(command *cobra.Command, use string, aliases ...string) *cobra.Command {
	command.Use, command.Aliases, command.GroupID = use, aliases, ""
	return command
}
