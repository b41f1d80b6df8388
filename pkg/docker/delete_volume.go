// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Delete removes the volume unless it is in use. Docker has no force for that, and knows a volume by its name alone.
func (s *Volumes) Delete(ctx context.Context, name string, _ runtime.Object) error {
	if ValidVolumeName(name) != nil {
		return apierrors.NewNotFound(volumeResource, name)
	}
	return s.engine.operate(ctx, "delete", volumeResource, name, func(ctx context.Context, c *connection) error {
		defer s.sink.MarkDirty(name)
		err := c.client.VolumeRemove(ctx, name, false)
		if errdefs.IsConflict(err) {
			users := containersUsing(ctx, c, filters.Arg("volume", name), func(found container.Summary) bool {
				return slices.ContainsFunc(found.Mounts, func(m container.MountPoint) bool { return m.Name == name })
			})
			return inUse(volumeResource, name, err, users)
		}
		return err
	})
}

// inUse returns the refusal to remove something, with the names of those who use it.
func inUse(resource schema.GroupResource, name string, err error, users []string) error {
	words := dockerWords(err)
	if len(users) > 0 {
		words = fmt.Sprintf("%s (used by: %s)", words, strings.Join(users, ", "))
	}
	return apierrors.NewConflict(resource, name, errors.New(words))
}
