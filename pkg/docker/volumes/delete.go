// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// Delete removes the volume unless it is in use. Docker cannot force the removal of a volume in use.
func (s *Source) Delete(ctx context.Context, subject string, object runtime.Object) error {
	target := object.(*v1alpha1.Volume)
	return s.Client.Operate(ctx, "delete", volumeResource, target.Name, func(ctx context.Context, c *connection.Connection) error {
		defer s.MarkDirty(subject)
		known, name, ok := s.lives.of(subject)
		if !ok && s.lives.has(name) {
			return madeAnew(target.Name)
		}
		if !ok {
			return apierrors.NewNotFound(volumeResource, target.Name)
		}
		found, isBest, err := s.find(ctx, name, known.driver)
		if err != nil {
			return err
		}
		if found == nil {
			return apierrors.NewNotFound(volumeResource, target.Name)
		}
		shown, err := s.show(ctx, subject, found, isBest)
		if err != nil {
			return err
		}
		if now, ok := shown[source.KeyOf(target)].(*v1alpha1.Volume); !ok || now.UID != target.UID {
			return madeAnew(target.Name)
		}
		if !names.IsPath(name) {
			return apierrors.NewConflict(volumeResource, target.Name,
				fmt.Errorf("no request of Docker's API can name the volume %q: remove it with the means of its driver, %s", name, found.Driver))
		}
		err = connection.Change(ctx, func(ctx context.Context) error { return c.Docker.VolumeRemove(ctx, name, false) })
		switch {
		case connection.IsConflict(err):
			users := source.ContainersUsing(ctx, c, filters.Arg("volume", name), func(found container.Summary) bool {
				return slices.ContainsFunc(found.Mounts, func(m container.MountPoint) bool { return m.Name == name })
			})
			return source.InUse(volumeResource, target.Name, err, users)
		case errdefs.IsNotFound(err) && !isBest:
			return apierrors.NewConflict(volumeResource, target.Name,
				fmt.Errorf("the volume is in Docker's list, but Docker does not find it by its name (%s): remove it with the means of its driver, %s", connection.Words(err), found.Driver))
		}
		return err
	})
}

func madeAnew(name string) error {
	return apierrors.NewConflict(volumeResource, name, errors.New("the volume was removed and made anew"))
}
