// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// InUse returns the error for an object that Docker does not remove because it is in use. The error names its users.
func InUse(resource schema.GroupResource, name string, err error, users []string) error {
	words := connection.Words(err)
	if len(users) > 0 {
		words = fmt.Sprintf("%s (used by: %s)", words, strings.Join(users, ", "))
	}
	return apierrors.NewConflict(resource, name, errors.New(words))
}

// ContainersUsing returns the names of the containers that the filter finds and that match. It returns nothing if
// Docker does not answer.
func ContainersUsing(ctx context.Context, c *connection.Connection, filter filters.KeyValuePair, match func(container.Summary) bool) []string {
	ctx, cancel := context.WithTimeout(ctx, connection.ReadTimeout)
	defer cancel()
	found, err := c.Docker.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(filter)})
	if err != nil {
		return nil
	}
	var users []string
	for _, summary := range found {
		if match(summary) {
			users = append(users, ownName(summary))
		}
	}
	slices.Sort(users)
	return users
}

// ownName returns the name of a listed container, or its ID if it has no name. Docker also lists links to the
// container, such as /app/db, in any order.
func ownName(summary container.Summary) string {
	for _, name := range summary.Names {
		if own := strings.TrimPrefix(name, "/"); own != "" && !strings.Contains(own, "/") {
			return own
		}
	}
	return summary.ID
}
