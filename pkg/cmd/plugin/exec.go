// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/util/exec"
	"k8s.io/kubectl/pkg/util/term"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func newExecCommand(p *plugin) *cobra.Command {
	var (
		options v1alpha1.ContainerExecOptions
		env     []string
	)
	command := &cobra.Command{
		Use:     "exec CONTAINER COMMAND [ARG...]",
		Short:   "Execute a command in a running container",
		GroupID: groupInside,
		Example: `  # Get a shell in a container
  kubectl engine exec -it web sh

  # Send a file to a program in a container
  kubectl engine exec -i db psql <backup.sql`,
		Args: func(command *cobra.Command, arguments []string) error {
			if len(arguments) < 2 {
				return fmt.Errorf("%s needs the name or the ID of a container, and a command", command.CommandPath())
			}
			return nil
		},
		ValidArgsFunction: p.completeFirst(isRunning),
		RunE: func(command *cobra.Command, arguments []string) error {
			options.Command = arguments[1:]
			if options.Command[0] == "--" { // kubectl exec separates the command like this
				options.Command = options.Command[1:]
			}
			options.Env = environment(env, os.LookupEnv)
			return p.exec(command.Context(), arguments[0], &options)
		},
	}
	flags := command.Flags()
	flags.SetInterspersed(false) // the flags behind the name are those of the command
	flags.BoolVarP(&options.Stdin, "interactive", "i", false, "Keep STDIN open even if not attached")
	flags.BoolVarP(&options.TTY, "tty", "t", false, "Allocate a pseudo-TTY")
	flags.StringVarP(&options.User, "user", "u", "", `Username or UID (format: "<name|uid>[:<group|gid>]")`)
	flags.StringVarP(&options.WorkingDir, "workdir", "w", "", "Working directory inside the container")
	flags.StringArrayVarP(&env, "env", "e", nil, "Set environment variables")
	flags.BoolVar(&options.Privileged, "privileged", false, "Give extended privileges to the command")
	return command
}

// environment returns variables as NAME=VALUE. As with docker, one without a value gets that of the user's environment,
// or is left out if it is not there.
func environment(given []string, lookUp func(string) (string, bool)) (variables []string) {
	for _, variable := range given {
		if !strings.Contains(variable, "=") {
			value, found := lookUp(variable)
			if !found {
				continue
			}
			variable += "=" + value
		}
		variables = append(variables, variable)
	}
	return variables
}

func (p *plugin) exec(ctx context.Context, argument string, options *v1alpha1.ContainerExecOptions) error {
	if options.TTY && options.Stdin && !term.IsTerminal(p.In) {
		return errNoTerminal
	}
	client, found, err := p.container(ctx, argument)
	if err != nil {
		return err
	}
	options.Stdout, options.Stderr = true, !options.TTY
	connected := streams{out: p.Out, err: p.ErrOut, terminal: options.TTY}
	if options.Stdin {
		connected.in = p.In
	}
	err = subresource("exec").session(ctx, client, found.Name, options, connected)
	if err == nil || errors.As(err, &exec.CodeExitError{}) {
		return err
	}
	return fmt.Errorf("cannot execute a command in %s: %w", argument, err)
}
