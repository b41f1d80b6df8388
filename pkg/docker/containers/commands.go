// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"strings"

	"github.com/containerd/errdefs"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// Top returns the processes of a container. psArgs are valid arguments for ps, or empty for Docker's own.
func (s *Source) Top(ctx context.Context, id, name, psArgs string) (*v1alpha1.ContainerTop, error) {
	var arguments []string
	if psArgs != "" {
		arguments = []string{psArgs}
	}
	top := &v1alpha1.ContainerTop{}
	err := s.Client.Read(ctx, connection.ReadTimeout, func(ctx context.Context, c *connection.Connection) error {
		answer, err := c.Docker.ContainerTop(ctx, id, arguments)
		top.Titles = answer.Titles
		for _, values := range answer.Processes {
			top.Processes = append(top.Processes, v1alpha1.ContainerProcess{Values: values})
		}
		if err != nil && psArgs != "" && strings.HasPrefix(connection.Words(err), "ps: ") {
			return errdefs.ErrInvalidArgument.WithMessage(connection.Words(err)) // Docker takes it for an error of its own
		}
		return err
	})
	if err != nil {
		return nil, connection.APIError("top", containerResource, name, err)
	}
	return top, nil
}

// Kill sends a signal to a container. It does not wait for its turn, because it must be able to end a container that is
// being stopped.
func (s *Source) Kill(ctx context.Context, id, name, signal string) error {
	return s.Client.Outlive(ctx, "kill", containerResource, name, func(ctx context.Context) error {
		return s.call(ctx, id, func(ctx context.Context, c *connection.Connection) error {
			return s.checkNotFound(ctx, id, connection.Change(ctx, func(ctx context.Context) error {
				return c.Docker.ContainerKill(ctx, id, signal)
			}))
		})
	})
}

// Rename gives a container another name.
func (s *Source) Rename(ctx context.Context, id, name, newName string) error {
	return s.inTurn(ctx, "rename", id, name, func(ctx context.Context, c *connection.Connection) error {
		return s.checkNotFound(ctx, id, connection.Change(ctx, func(ctx context.Context) error {
			return c.Docker.ContainerRename(ctx, id, newName)
		}))
	})
}
