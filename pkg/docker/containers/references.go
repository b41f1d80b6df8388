// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
)

// checkReferences returns an error that names each network and container of the spec that is not there. Docker itself would
// make the container and then not start it, or take another thing whose ID begins with the name.
func (s *Source) checkReferences(ctx context.Context, wanted *v1alpha1.Container) error {
	errs, err := s.missingNetworks(ctx, wanted.Spec.Networks)
	if err != nil {
		return connection.APIError("create", containerResource, wanted.Name, err)
	}
	for _, mode := range sharingModes(&wanted.Spec) {
		found, err := s.inspect(ctx, mode.container)
		switch {
		case err != nil:
			return connection.APIError("create", containerResource, wanted.Name, err)
		case found == nil || containerName(found) != mode.container && !names.IsIDOf(mode.container, found.ID):
			errs = append(errs, field.NotFound(specPath.Child(mode.field), ofContainer+mode.container))
		}
	}
	if len(errs) > 0 {
		return invalid(wanted, errs...)
	}
	return nil
}

// sharingMode is a field of a spec that names a container whose namespace is shared.
type sharingMode struct{ field, container string }

// sharingModes returns the fields of a spec that name other containers.
func sharingModes(spec *v1alpha1.ContainerSpec) (found []sharingMode) {
	for _, mode := range []struct{ field, value string }{{"networkMode", spec.NetworkMode}, {"pidMode", spec.PIDMode}, {"ipcMode", spec.IPCMode}} {
		if name, ok := strings.CutPrefix(mode.value, ofContainer); ok {
			found = append(found, sharingMode{mode.field, name})
		}
	}
	return found
}

// missingNetworks returns an error for each network that is not there.
func (s *Source) missingNetworks(ctx context.Context, attached []v1alpha1.ContainerNetworkAttachment) (errs field.ErrorList, err error) {
	if len(attached) == 0 {
		return nil, nil
	}
	err = s.Client.Read(ctx, connection.ReadTimeout, func(ctx context.Context, c *connection.Connection) error {
		known, err := listNetworks(ctx, c)
		if err != nil {
			return err
		}
		for i, network := range attached {
			if _, err := known.find(network.Name); err != nil {
				errs = append(errs, field.Invalid(specPath.Child("networks").Index(i).Child("name"), network.Name, connection.Words(err)))
			}
		}
		return nil
	})
	return errs, err
}
