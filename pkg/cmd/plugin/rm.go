// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func newRmCommand(p *plugin) *cobra.Command {
	var force bool
	command := &cobra.Command{
		Use:               "rm CONTAINER [CONTAINER...]",
		Short:             "Remove one or more containers",
		Long:              "Removes one or more containers. Docker keeps their anonymous volumes.",
		GroupID:           groupChange,
		Args:              someContainers,
		ValidArgsFunction: p.complete(func(state v1alpha1.ContainerState) bool { return force || isStopped(state) }),
		RunE: func(command *cobra.Command, arguments []string) error {
			client, err := p.connect(command.Context(), p.warnings())
			if err != nil {
				return err
			}
			return p.each(command.Context(), arguments, together, func(ctx context.Context, argument string) (string, error) {
				err := client.remove(ctx, argument, force)
				if force && isAbsent(err) { // docker takes that for a success, too
					_, err = fmt.Fprintln(p.ErrOut, explain(err))
					return "", err
				}
				return argument, err
			})
		},
	}
	command.Flags().BoolVarP(&force, "force", "f", false, "Force the removal of a running container (uses SIGKILL)")
	return command
}

// remove removes a container. Without force the container must not run.
func (c *containers) remove(ctx context.Context, argument string, force bool) error {
	return retry.OnError(retry.DefaultRetry, apierrors.IsConflict, func() error {
		found, err := c.find(ctx, argument)
		if err != nil {
			return err
		}
		options := metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(found.UID))}
		if force {
			options.GracePeriodSeconds = ptr.To[int64](0)
		} else {
			if isUp(found.Spec.State) {
				return fmt.Errorf("cannot remove %s: it is %s: stop it first, or add -f", argument, found.Spec.State)
			}
			// The server would stop a container that has been started since.
			options.Preconditions.ResourceVersion = &found.ResourceVersion
		}
		err = c.Delete(ctx, found.Name, options)
		if goesOn(err) {
			err = c.removal(ctx, found)
		}
		if err != nil {
			return fmt.Errorf("cannot remove %s: %w", argument, err)
		}
		return nil
	})
}

// removal waits for the end of a removal that was requested when the container was as in before.
func (c *containers) removal(ctx context.Context, before *v1alpha1.Container) error {
	return c.follow(ctx, before, func(event watch.EventType, now *v1alpha1.Container) (bool, error) {
		return event == watch.Deleted, nil
	})
}
