// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package plugin is the command line of the kubectl plugin: kubectl engine. Its commands have the names, the flags and
// the output of the docker command.
package plugin

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/util/exec"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/usage"
)

const description = `Looks after the containers of a Docker Engine through the Kubernetes API.

The commands have docker's names and flags, and print what docker prints. They reach the server as kubectl does: by the
current context of your kubeconfig, or by --context and --kubeconfig. If neither -n nor the context names a namespace,
they take the only one that has an engine.`

// Groups of commands in the help.
const (
	groupShow   = "show"
	groupInside = "inside"
	groupChange = "change"
	groupOthers = "others"
)

// shownFlags are the flags of every command that the help of each command shows, with their descriptions. The command
// options shows the others.
var shownFlags = map[string]string{
	"context":    "The context of the kubeconfig to use",
	"kubeconfig": "Path to the kubeconfig to use",
	"namespace":  "The namespace of the engine (default that of the context, else the only one with an engine)",
}

// plugin is what all commands share.
type plugin struct {
	genericiooptions.IOStreams
	flags *genericclioptions.ConfigFlags
}

// Run runs the plugin with these arguments and returns its exit code. That is the exit code of the process in the
// container if the command runs one and that fails. Errors that matter are printed. What libraries log besides, such as what they
// try again, goes to the logger of the process.
func Run(arguments []string, streams genericiooptions.IOStreams) int {
	command := NewCommand(streams)
	command.SetArgs(arguments)
	if err := command.Execute(); err != nil {
		if remote := (exec.CodeExitError{}); errors.As(err, &remote) {
			return remote.Code
		}
		for _, line := range lines(err) {
			fmt.Fprintln(streams.ErrOut, "error:", line)
		}
		if with := (codedError{}); errors.As(err, &with) {
			return with.code
		}
		return 1
	}
	return 0
}

// NewCommand returns the root command. Run is how to run it.
func NewCommand(streams genericiooptions.IOStreams) *cobra.Command {
	p := &plugin{IOStreams: streams, flags: genericclioptions.NewConfigFlags(true)}
	command := &cobra.Command{
		Use:               "kubectl-engine",
		Short:             "Looks after the containers of a Docker Engine",
		Long:              description,
		Annotations:       map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl engine"},
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true}, // kubectl completes its plugins
		Args:              usage.KnownCommand,
		SilenceErrors:     true,
		SilenceUsage:      true,
		RunE:              func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.SetIn(streams.In)
	command.SetOut(streams.Out)
	command.SetErr(streams.ErrOut)
	command.SetFlagErrorFunc(usage.FlagError)
	command.SetHelpCommand(usage.NewHelpCommand())
	command.SetUsageTemplate(command.UsageTemplate() + `
Use "{{.Root.DisplayName}} options" for the other flags that all commands take.
`)
	p.addFlags(command.PersistentFlags())
	command.AddGroup(&cobra.Group{ID: groupShow, Title: "See containers:"}, &cobra.Group{ID: groupInside, Title: "Work inside of containers:"},
		&cobra.Group{ID: groupChange, Title: "Change containers:"}, &cobra.Group{ID: groupOthers, Title: "Images, volumes and networks:"})
	command.AddCommand(newPsCommand(p), newLogsCommand(p), newTopCommand(p), newStatsCommand(p), newWaitCommand(p),
		newRunCommand(p), newExecCommand(p), newAttachCommand(p), newCpCommand(p), newPortForwardCommand(p),
		newCreateCommand(p), newUpdateCommand(p), newKillCommand(p), newRenameCommand(p), newRmCommand(p),
		newImagesCommand(p), newRmiCommand(p), newTagCommand(p), newImageCommand(p), newPullCommand(p), newPushCommand(p),
		newVolumeCommand(p), newNetworkCommand(p), newLoginCommand(), newOptionsCommand())
	for _, a := range actions {
		command.AddCommand(newActionCommand(p, a))
	}
	return command
}

// addFlags adds the flags of kubectl. It leaves out their shorthands, except that of the namespace, because commands
// have docker's shorthands.
func (p *plugin) addFlags(flags *pflag.FlagSet) {
	ofKubectl := pflag.NewFlagSet("", pflag.ContinueOnError)
	p.flags.AddFlags(ofKubectl)
	ofKubectl.VisitAll(func(flag *pflag.Flag) {
		if flag.Name != "namespace" {
			flag.Shorthand = ""
		}
		if words, isShown := shownFlags[flag.Name]; isShown {
			flag.Usage = words
		} else {
			flag.Hidden = true
		}
		flags.AddFlag(flag)
	})
}

// newOptionsCommand returns the command that shows the flags that the help of the other commands leaves out.
func newOptionsCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "options",
		Short:             "Shows the flags that all commands take",
		Args:              usage.NoArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, _ []string) error {
			shown := pflag.NewFlagSet("", pflag.ContinueOnError)
			command.Root().PersistentFlags().VisitAll(func(flag *pflag.Flag) {
				visible := *flag
				visible.Hidden = false
				shown.AddFlag(&visible)
			})
			_, err := fmt.Fprint(command.OutOrStdout(), "All commands take these flags:\n\n", shown.FlagUsages())
			return err
		},
	}
}

// someContainers is a cobra.PositionalArgs for commands that take the names or IDs of containers.
func someContainers(command *cobra.Command, arguments []string) error {
	if len(arguments) == 0 {
		return fmt.Errorf("%s needs the name or the ID of a container (%[1]s --help shows how it is used)", command.CommandPath())
	}
	return nil
}
