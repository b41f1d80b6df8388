// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/docker/cli/cli/command/formatter"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/usage"
)

// formatHelp describes the flag --format of the commands that list something.
const formatHelp = "Format output with 'table', 'json' or a Go template, as docker does"

// ps is the command that lists containers.
type ps struct {
	all, quiet, noTrunc bool
	filters             []string
	format              string
}

func newPsCommand(p *plugin) *cobra.Command {
	var ps ps
	command := &cobra.Command{
		Use:     "ps",
		Short:   "List containers",
		GroupID: groupShow,
		Example: `  # List all containers of a project
  kubectl engine ps -a -f label=com.docker.compose.project=shop

  # List the names and ports of running containers
  kubectl engine ps --format '{{.Names}}: {{.Ports}}'`,
		Args:              usage.NoArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(command *cobra.Command, _ []string) error { return ps.run(command, p) },
	}
	flags := command.Flags()
	flags.BoolVarP(&ps.all, "all", "a", false, "Show all containers (default shows just running)")
	flags.BoolVarP(&ps.quiet, "quiet", "q", false, "Only display container IDs")
	flags.BoolVar(&ps.noTrunc, "no-trunc", false, "Don't truncate output")
	psFilters.addFlag(flags, &ps.filters)
	flags.StringVar(&ps.format, "format", "", formatHelp)
	return command
}

func (ps *ps) run(command *cobra.Command, p *plugin) error {
	chosen, err := psFilters.parse(ps.filters)
	if err != nil {
		return err
	}
	client, err := p.connect(command.Context(), p.warnings())
	if err != nil {
		return err
	}
	list, err := client.List(command.Context(), metav1.ListOptions{FieldSelector: selector(chosen, ps.all)})
	if err != nil {
		return fmt.Errorf("cannot list the containers: %w", err)
	}
	return formatter.ContainerWrite(formatter.Context{
		Output: p.Out,
		Format: formatter.NewContainerFormat(ps.format, ps.quiet, false),
		Trunc:  !ps.noTrunc,
	}, summaries(list.Items, chosen, time.Now()))
}

// newestFirst compares two objects. The newer comes first. Of two of the same age, the name decides.
func newestFirst[T metav1.Object](a, b T) int {
	newer := b.GetCreationTimestamp().Time
	return cmp.Or(newer.Compare(a.GetCreationTimestamp().Time), cmp.Compare(a.GetName(), b.GetName()))
}

// summaries returns what docker would list of the containers that the filters choose, the newest first.
func summaries(items []v1alpha1.Container, chosen filters.Args, now time.Time) []container.Summary {
	items = slices.DeleteFunc(items, func(c v1alpha1.Container) bool { return !psFilters.choose(chosen, &c) })
	slices.SortStableFunc(items, func(a, b v1alpha1.Container) int { return newestFirst(&a, &b) })
	listed := make([]container.Summary, len(items))
	for i := range items {
		listed[i] = summary(&items[i], now)
	}
	return listed
}
