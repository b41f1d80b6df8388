// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// hideEnvironment notes the environment of a container, and takes the values of its variables out of the container.
func (o *overlays) hideEnvironment(object *v1alpha1.Container) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ofLocked(object.Status.ID).environment = object.Spec.Env
	object.Spec.Env = containers.HideValues(object.Spec.Env)
}

// HiddenEnvironment returns the environment of the container with that ID if the values of variables are hidden.
func (s *Source) HiddenEnvironment(id string) (env []v1alpha1.ContainerEnvVar) {
	s.overlays.mu.Lock()
	defer s.overlays.mu.Unlock()
	if known := s.overlays.byID[id]; known != nil {
		env = known.environment
	}
	return env
}
