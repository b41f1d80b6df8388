// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// Delete removes the volume unless it is in use. Docker has no force for that.
func (s *Volumes) Delete(ctx context.Context, name string, object runtime.Object) error {
	target := object.(*v1alpha1.Volume)
	if ValidVolumeName(name) != nil {
		return apierrors.NewNotFound(volumeResource, name)
	}
	return s.engine.operate(ctx, "delete", volumeResource, name, func(ctx context.Context, c *connection) error {
		defer s.sink.MarkDirty(name)
		found, err := s.inspect(ctx, name)
		switch {
		case err != nil:
			return err
		case found == nil:
			return apierrors.NewNotFound(volumeResource, name)
		case volumeOf(found, s.engine.namespace).UID != target.UID:
			return apierrors.NewConflict(volumeResource, name, errors.New("the volume was removed and made anew"))
		}
		err = c.client.VolumeRemove(ctx, name, false)
		if isConflict(err) {
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
