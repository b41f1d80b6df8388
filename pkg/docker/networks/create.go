// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package networks

import (
	"context"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/network"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/warning"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// Create makes a network. Docker before 25 can make two networks with the same name, so Create looks first. Creations of the
// same name take turns, so that no other request of this server makes the network in between. Another client of Docker's
// can. Then both networks are there, and the older one has the name.
func (s *Source) Create(ctx context.Context, key string, object runtime.Object) (string, error) {
	wanted := object.(*v1alpha1.Network)
	_, name, _ := strings.Cut(key, "/")
	var made network.CreateResponse
	err := s.Client.Operate(ctx, "create", networkResource, name, func(ctx context.Context, c *connection.Connection) (err error) {
		made, err = s.create(ctx, c, name, wanted)
		return err
	})
	if err != nil {
		return "", err // the call may go on
	}
	if made.Warning != "" {
		warning.AddWarning(ctx, "", made.Warning)
	}
	return made.ID, nil
}

func (s *Source) create(ctx context.Context, c *connection.Connection, name string, wanted *v1alpha1.Network) (network.CreateResponse, error) {
	var made network.CreateResponse
	unlock, err := s.creating.Lock(ctx, name)
	if err != nil {
		return made, err
	}
	defer unlock()
	listed, err := s.list(ctx)
	if err != nil {
		return made, err
	}
	for _, objectName := range listed {
		if objectName == name {
			return made, apierrors.NewAlreadyExists(networkResource, name)
		}
	}
	applied := source.AppliedTo(wanted)
	defer s.applied.Expect(name, applied)()
	err = connection.Change(ctx, func(ctx context.Context) (err error) {
		made, err = c.Docker.NetworkCreate(ctx, name, optionsOf(wanted))
		return err
	})
	if errdefs.IsConflict(err) && strings.Contains(err.Error(), "network with name") {
		return made, apierrors.NewAlreadyExists(networkResource, name)
	}
	if err != nil {
		return made, err
	}
	s.applied.Set(made.ID, applied)
	s.MarkDirty(made.ID)
	return made, nil
}

// optionsOf returns what Docker is asked for. It names only what the spec names.
func optionsOf(wanted *v1alpha1.Network) network.CreateOptions {
	spec := &wanted.Spec
	options := network.CreateOptions{
		Driver:     spec.Driver,
		EnableIPv6: spec.EnableIPv6,
		Internal:   spec.Internal,
		Attachable: spec.Attachable,
		Options:    spec.Options,
		Labels:     containers.AllLabels(wanted.Labels, spec.Labels),
		IPAM:       &network.IPAM{Driver: spec.IPAM.Driver, Options: spec.IPAM.Options},
	}
	for _, config := range spec.IPAM.Config {
		options.IPAM.Config = append(options.IPAM.Config, network.IPAMConfig{Subnet: config.Subnet, IPRange: config.IPRange, Gateway: config.Gateway})
	}
	return options
}

// Update keeps what kubectl applied last. Nothing else of a network can change.
func (s *Source) Update(_ context.Context, id string, _, updated runtime.Object) error {
	s.applied.Set(id, source.AppliedTo(updated.(*v1alpha1.Network)))
	s.MarkDirty(id)
	return nil
}
