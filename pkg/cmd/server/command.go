// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package server is the command line of engine-apiserver.
package server

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	baseversion "k8s.io/component-base/version"
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
	command.AddCommand(newServeCommand(), newVersionCommand())
	return command
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Prints the version",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(command.OutOrStdout(), "engine-apiserver %s %s %s/%s\n",
				version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// version is what the program was stamped with or, if it was not, the version of its module.
func version() string {
	stamped := baseversion.Get().GitVersion
	if info, ok := debug.ReadBuildInfo(); ok && strings.Contains(stamped, "$Format") {
		return info.Main.Version
	}
	return stamped
}
