// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package usage tells the user of a command line what is wrong with it, on one line.
package usage

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// NewHelpCommand returns a help command that fails if the command does not exist. Cobra's own help command shows the
// help of the root command instead.
func NewHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Shows the help of a command",
		RunE: func(command *cobra.Command, arguments []string) error {
			found, rest, err := command.Root().Find(arguments)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return UnknownCommand(found, rest[0])
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
		ValidArgsFunction: func(command *cobra.Command, arguments []string, begun string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
			found, _, err := command.Root().Find(arguments)
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			for _, child := range found.Commands() {
				if child.IsAvailableCommand() && strings.HasPrefix(child.Name(), begun) {
					names = append(names, cobra.CompletionWithDesc(child.Name(), child.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// KnownCommand is a cobra.PositionalArgs for commands that only have subcommands. Any argument is then the name of an unknown command.
func KnownCommand(command *cobra.Command, arguments []string) error {
	if len(arguments) > 0 {
		return UnknownCommand(command, arguments[0])
	}
	return nil
}

// NoArguments is a cobra.PositionalArgs for commands that take no arguments.
func NoArguments(command *cobra.Command, arguments []string) error {
	if len(arguments) > 0 {
		return fmt.Errorf("%s takes no arguments, but was given %q", command.CommandPath(), arguments[0])
	}
	return nil
}
