// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package server is the command line of engine-apiserver.
package server

import (
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apiserver"
)

// NewCommand returns the root command. The server ends when the context of the command ends.
func NewCommand() *cobra.Command {
	var version bool
	command := &cobra.Command{
		Use:           "engine-apiserver",
		Short:         "Serves a Docker Engine's containers, images and volumes as Kubernetes resources",
		Args:          knownCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(command *cobra.Command, _ []string) error {
			if version {
				return printVersion(command.OutOrStdout())
			}
			return command.Help()
		},
	}
	command.Flags().BoolVarP(&version, "version", "v", false, "Print the version")
	command.SetFlagErrorFunc(flagError)
	command.AddCommand(newServeCommand(), newRegisterCommand(), newVersionCommand(), newCompletionCommand())
	command.SetHelpCommand(newHelpCommand())
	return command
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "version",
		Short:             "Prints the version",
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(command *cobra.Command, _ []string) error { return printVersion(command.OutOrStdout()) },
	}
}

// printVersion prints what is known about the build, on one line.
func printVersion(out io.Writer) error {
	build := apiserver.BuildInfo()
	line := fmt.Sprintf("engine-apiserver %s %s %s/%s", build.GitVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	var source []string
	for _, fact := range []struct{ format, value string }{{"commit %s", build.GitCommit}, {"%s", build.GitTreeState}, {"%s", build.BuildDate}} {
		if fact.value != "" {
			source = append(source, fmt.Sprintf(fact.format, fact.value))
		}
	}
	if len(source) > 0 {
		line += " (" + strings.Join(source, ", ") + ")"
	}
	_, err := fmt.Fprintln(out, line)
	return err
}

// newHelpCommand returns a help command that fails if the command does not exist. Cobra's own help command shows the
// help of the root command instead.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Shows the help of a command",
		RunE: func(command *cobra.Command, arguments []string) error {
			found, rest, err := command.Root().Find(arguments)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return unknownCommand(found, rest[0])
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

// knownCommand is for commands that only have subcommands. Any argument is then the name of an unknown command.
func knownCommand(command *cobra.Command, arguments []string) error {
	if len(arguments) > 0 {
		return unknownCommand(command, arguments[0])
	}
	return nil
}

func noArguments(command *cobra.Command, arguments []string) error {
	if len(arguments) > 0 {
		return fmt.Errorf("%s takes no arguments, but was given %q", command.CommandPath(), arguments[0])
	}
	return nil
}
