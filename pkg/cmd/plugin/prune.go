// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/docker/docker/api/types/filters"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/usage"
)

// prune is a command that removes what no container uses.
type prune struct {
	*plugin
	all, force bool
	filters    []string
	// some and every are what docker's question says that it removes, without and with --all.
	some, every string
	// title stands above the list of what was removed.
	title string
	// remove removes what the filters choose, and returns lines that say what it has removed, also if it fails.
	remove func(context.Context, *engine, filters.Args) ([]string, error)
}

// command returns the command. parse reads its filters.
func (c *prune) command(short, all string, names string, parse func([]string) (filters.Args, error)) *cobra.Command {
	command := &cobra.Command{
		Use:               "prune",
		Short:             short,
		Args:              usage.NoArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, _ []string) error {
			chosen, err := parse(c.filters)
			if err != nil {
				return err
			}
			return c.run(command, chosen)
		},
	}
	flags := command.Flags()
	if all != "" {
		flags.BoolVarP(&c.all, "all", "a", false, all)
	}
	flags.BoolVarP(&c.force, "force", "f", false, "Do not prompt for confirmation")
	flags.StringArrayVar(&c.filters, "filter", nil, "Remove only what has `name=value`, where name is one of "+names)
	return command
}

func (c *prune) run(command *cobra.Command, chosen filters.Args) error {
	client, err := c.engine(command.Context(), c.warnings())
	if err != nil {
		return err
	}
	if !c.force {
		what := c.some
		if c.all {
			what = c.every
		}
		isSure, err := c.confirm(fmt.Sprintf("WARNING! This will remove %s.\nAre you sure you want to continue? [y/N] ", what))
		if err != nil || !isSure {
			return err
		}
	}
	removed, err := c.remove(command.Context(), client, chosen)
	if len(removed) > 0 {
		removed = append([]string{c.title}, removed...)
	} else if err == nil && c.every != "" { // docker says nothing of networks
		removed = []string{"Total reclaimed space: 0B"} // else nobody knows: the API does not tell which layers images share
	}
	return errors.Join(c.print(removed), err)
}

// confirm asks the user a question, and reports whether the answer is yes. It fails if there is no answer at all.
func (c *prune) confirm(question string) (bool, error) {
	if _, err := fmt.Fprint(c.Out, question); err != nil {
		return false, err
	}
	answer := bufio.NewScanner(c.In)
	if !answer.Scan() {
		return false, errors.New("nothing is removed, as nobody has answered: -f asks no question")
	}
	return strings.EqualFold(strings.TrimSpace(answer.Text()), "y"), nil
}

// labelFilters returns the filters of labels that docker has where it prunes: label!=x means all that do not have x.
func labelFilters[T any](labels func(*T) map[string]string) filterSet[T] {
	return filterSet[T]{
		"label":  {matches: func(chosen filters.Args, object *T) bool { return chosen.MatchKVList("label", labels(object)) }},
		"label!": {matches: func(chosen filters.Args, object *T) bool { return !chosen.MatchKVList("label!", labels(object)) }},
	}
}

// isFalse reports whether a thing is known not to be in use. Nothing is known if the engine does not list its containers.
func isFalse(inUse *bool) bool { return inUse != nil && !*inUse }

// removeUnused removes an object if nothing uses it. It reports whether it has removed it: nobody wants to know of one
// that somebody else has removed.
func removeUnused[T metav1.Object](ctx context.Context, object T, name string, isUnused func(T) bool,
	get func(context.Context, string, metav1.GetOptions) (T, error), remove func(context.Context, string, metav1.DeleteOptions) error,
) (bool, error) {
	err := retry.OnError(retry.DefaultRetry, apierrors.IsConflict, func() error {
		if !isUnused(object) {
			return errors.New("it is in use now")
		}
		// Docker would also untag an image that a container has come to use, if the image had another tag.
		err := remove(ctx, object.GetName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{
			UID: ptr.To(object.GetUID()), ResourceVersion: ptr.To(object.GetResourceVersion()),
		}})
		if apierrors.IsConflict(err) {
			now, getErr := get(ctx, object.GetName(), metav1.GetOptions{})
			if getErr != nil {
				return getErr
			}
			if now.GetUID() != object.GetUID() {
				return errors.New("another one has its name now")
			}
			object = now
		}
		return err
	})
	if isAbsent(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cannot remove %s: %w", name, err)
	}
	return true, nil
}
