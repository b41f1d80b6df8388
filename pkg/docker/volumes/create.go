// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"context"
	"maps"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/volume"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// Create makes a volume. Docker answers with the volume that is there if the name is taken, so Create looks first.
// Creations of the same name take turns, so that no other request of this server makes the volume in between. Another
// client of Docker's can: if it gives the same labels and options at the same moment, both take the volume for theirs.
func (s *Source) Create(ctx context.Context, key string, object runtime.Object) (string, error) {
	wanted := object.(*v1alpha1.Volume)
	_, name, _ := strings.Cut(key, "/")
	var subject string
	err := s.Client.Operate(ctx, "create", volumeResource, name, func(ctx context.Context, c *connection.Connection) (err error) {
		subject, err = s.create(ctx, c, name, wanted)
		return err
	})
	if err != nil {
		return "", err // the call may go on
	}
	return subject, nil
}

func (s *Source) create(ctx context.Context, c *connection.Connection, name string, wanted *v1alpha1.Volume) (string, error) {
	unlock, err := s.creating.Lock(ctx, name)
	if err != nil {
		return "", err
	}
	defer unlock()
	found, _, err := s.find(ctx, name, "")
	switch {
	case err != nil:
		return "", err
	case found != nil:
		return "", apierrors.NewAlreadyExists(volumeResource, name)
	}
	options := volume.CreateOptions{
		Name:       name,
		Driver:     wanted.Spec.Driver,
		DriverOpts: wanted.Spec.Options,
		Labels:     containers.AllLabels(wanted.Labels, wanted.Spec.Labels),
	}
	applied := source.AppliedTo(wanted)
	defer s.applied.Expect(name, applied)()
	var made volume.Volume
	err = connection.Change(ctx, func(ctx context.Context) (err error) {
		made, err = c.Docker.VolumeCreate(ctx, options)
		return err
	})
	switch {
	case errdefs.IsConflict(err):
		return "", apierrors.NewAlreadyExists(volumeResource, name)
	case err != nil:
		return "", err
	case !c.IsPodman() && !(maps.Equal(made.Labels, options.Labels) && maps.Equal(made.Options, options.DriverOpts)):
		return "", apierrors.NewAlreadyExists(volumeResource, name)
	}
	// The fence brings the removal of an earlier volume of this name, which must not end the life of this one.
	if err := s.Fence(ctx); err != nil {
		return "", err
	}
	subject := s.lives.use(name, made.Driver)
	s.applied.Set(subject, applied)
	s.MarkDirty(subject)
	return subject, nil
}

// Update keeps what kubectl applied last. Nothing else of a volume can change.
func (s *Source) Update(_ context.Context, subject string, _, updated runtime.Object) error {
	s.applied.Set(subject, source.AppliedTo(updated.(*v1alpha1.Volume)))
	s.MarkDirty(subject)
	return nil
}
