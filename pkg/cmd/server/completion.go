// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/usage"
)

// shells lists the shells that can complete command lines.
var shells = []struct {
	name string
	// load is the command that loads the completion into the current shell.
	load  string
	write func(root *cobra.Command, out io.Writer) error
}{
	{"bash", "source <(engine-apiserver completion bash)", func(root *cobra.Command, out io.Writer) error { return root.GenBashCompletionV2(out, true) }},
	{"zsh", "source <(engine-apiserver completion zsh)", (*cobra.Command).GenZshCompletion},
	{"fish", "engine-apiserver completion fish | source", func(root *cobra.Command, out io.Writer) error { return root.GenFishCompletion(out, true) }},
	{"powershell", "engine-apiserver completion powershell | Out-String | Invoke-Expression", (*cobra.Command).GenPowerShellCompletionWithDesc},
}

// newCompletionCommand replaces cobra's own completion command, which has two faults. It shows help if the shell's name
// is mistyped. It decides where to print before it is executed.
func newCompletionCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "completion",
		Short: "Prints the script that completes command lines in a shell",
		Args:  usage.KnownCommand,
		RunE:  func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	for _, shell := range shells {
		command.AddCommand(&cobra.Command{
			Use:               shell.name,
			Short:             "Prints the script for " + shell.name,
			Long:              "Prints the script that completes command lines in " + shell.name + ". To load it into the current shell:\n\n  " + shell.load,
			Args:              usage.NoArguments,
			ValidArgsFunction: cobra.NoFileCompletions,
			RunE: func(command *cobra.Command, _ []string) error {
				return shell.write(command.Root(), command.OutOrStdout())
			},
		})
	}
	return command
}
