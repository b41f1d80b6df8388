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
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/usage"
)

// NewCommand returns the root command. The server ends when the context of the command ends.
func NewCommand() *cobra.Command {
	var version bool
	command := &cobra.Command{
		Use:           "engine-apiserver",
		Short:         "Serves a Docker Engine's containers, images, volumes and networks as Kubernetes resources",
		Args:          usage.KnownCommand,
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
	command.SetFlagErrorFunc(usage.FlagError)
	command.AddCommand(newServeCommand(), newRegisterCommand(), newVersionCommand(), newCompletionCommand())
	command.SetHelpCommand(usage.NewHelpCommand())
	return command
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "version",
		Short:             "Prints the version",
		Args:              usage.NoArguments,
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
