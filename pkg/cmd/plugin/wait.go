// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func newWaitCommand(p *plugin) *cobra.Command {
	return &cobra.Command{
		Use:     "wait CONTAINER [CONTAINER...]",
		Short:   "Block until one or more containers stop, then print their exit codes",
		GroupID: groupShow,
		Example: `  # Wait for the end of a job
  code=$(kubectl engine wait job)`,
		Args:              someContainers,
		ValidArgsFunction: p.complete(isUp),
		RunE: func(command *cobra.Command, arguments []string) error {
			client, err := p.connect(command.Context(), p.warnings())
			if err != nil {
				return err
			}
			return p.each(command.Context(), arguments, len(arguments), func(ctx context.Context, argument string) (string, error) {
				code, err := client.wait(ctx, argument)
				return strconv.FormatInt(code, 10), err
			})
		},
	}
}

// wait waits until the container does not run, and returns its exit code.
func (c *containers) wait(ctx context.Context, argument string) (code int64, err error) {
	before, err := c.find(ctx, argument)
	if err != nil {
		return 0, err
	}
	err = c.follow(ctx, before, func(event watch.EventType, now *v1alpha1.Container) (ended bool, err error) {
		code, ended, err = exitCode(before, event, now)
		if err != nil {
			return false, fmt.Errorf("cannot tell the exit code of %s: %w", argument, err)
		}
		return ended, nil
	})
	return code, err
}

// exitCode returns whether a run of the container has ended since before, and its exit code. Docker forgets the code at
// the next start, and with the container.
func exitCode(before *v1alpha1.Container, event watch.EventType, now *v1alpha1.Container) (code int64, ended bool, err error) {
	was, is := &before.Status, &now.Status
	hasEnded := !was.FinishedAt.Equal(is.FinishedAt) || !was.StartedAt.Equal(is.StartedAt) || was.RestartCount != is.RestartCount
	switch {
	case isStopped(now.Spec.State), hasEnded && is.Status == v1alpha1.ContainerDockerStatusRestarting:
		return is.ExitCode, true, nil
	case event == watch.Deleted:
		return 0, false, errRemoved
	case hasEnded:
		return 0, false, errors.New("it was started again at once")
	}
	return 0, false, nil
}
