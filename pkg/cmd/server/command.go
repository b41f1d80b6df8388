// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package server is the command line of engine-apiserver.
package server

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apiserver"
)

// NewCommand returns the root command. The context that it is executed with ends the server.
func NewCommand() *cobra.Command {
	command := &cobra.Command{
		Use:               "engine-apiserver",
		Short:             "Serves a Docker Engine's containers, images and volumes as Kubernetes resources",
		Args:              cobra.NoArgs,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE:              func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.SetFlagErrorFunc(func(command *cobra.Command, err error) error {
		return fmt.Errorf("%w (%s --help shows the flags)", err, command.CommandPath())
	})
	command.AddCommand(newServeCommand(), newRegisterCommand(), newVersionCommand())
	return command
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Prints the version",
		Args:  noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(command.OutOrStdout(), "engine-apiserver %s %s %s/%s\n",
				apiserver.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

func noArguments(command *cobra.Command, arguments []string) error {
	if len(arguments) > 0 {
		return fmt.Errorf("%s takes no arguments, but was given %q", command.CommandPath(), arguments[0])
	}
	return nil
}
