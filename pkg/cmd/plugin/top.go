// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func newTopCommand(p *plugin) *cobra.Command {
	command := &cobra.Command{
		Use:               "top CONTAINER [ps OPTIONS]",
		Short:             "Display the running processes of a container",
		GroupID:           groupShow,
		Args:              someContainers,
		ValidArgsFunction: p.completeFirst(isUp),
		RunE: func(command *cobra.Command, arguments []string) error {
			client, found, err := p.container(command.Context(), arguments[0])
			if err != nil {
				return err
			}
			const top subresource = "top"
			processes := &v1alpha1.ContainerTop{}
			options := &v1alpha1.ContainerTopOptions{PSArgs: strings.Join(arguments[1:], " ")}
			if err := top.of(client.rest.Get(), client, found.Name, options).Do(command.Context()).Into(processes); err != nil {
				return fmt.Errorf("cannot list the processes of %s: %w", arguments[0], top.explain(client, err))
			}
			table := tabwriter.NewWriter(p.Out, 20, 1, 3, ' ', 0)
			fmt.Fprintln(table, strings.Join(processes.Titles, "\t"))
			for _, process := range processes.Processes {
				fmt.Fprintln(table, strings.Join(process.Values, "\t"))
			}
			return table.Flush()
		},
	}
	command.Flags().SetInterspersed(false) // the flags behind the name are those of ps
	return command
}
