// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// SetContainerDefaults sets the defaults of a new container. It leaves out those that the image or the engine decides.
func SetContainerDefaults(spec *v1alpha1.ContainerSpec) {
	if spec.State == "" {
		spec.State = v1alpha1.ContainerStateRunning
	}
	if spec.ImagePullPolicy == "" {
		spec.ImagePullPolicy = v1alpha1.ContainerPullIfNotPresent
	}
	if spec.RestartPolicy == nil {
		spec.RestartPolicy = &v1alpha1.ContainerRestartPolicy{Name: v1alpha1.ContainerRestartNo}
	}
	for i := range spec.Ports {
		spec.Ports[i].Protocol = containers.ProtocolOf(spec.Ports[i])
	}
}
