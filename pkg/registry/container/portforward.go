// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"net/http"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// newPortForward returns the subresource portforward.
func newPortForward(owner *registry.Owner[*v1alpha1.Container], engine Engine, streams Streams) *Stream[*v1alpha1.ContainerPortForwardOptions] {
	return &Stream[*v1alpha1.ContainerPortForwardOptions]{
		owner: owner, streams: streams, kind: "ContainerPortForwardOptions",
		newOptions: func() *v1alpha1.ContainerPortForwardOptions { return &v1alpha1.ContainerPortForwardOptions{} },
		validate:   containers.ValidateContainerPortForwardOptions,
		serve: func(w http.ResponseWriter, r *http.Request, of target, options *v1alpha1.ContainerPortForwardOptions) error {
			ports, err := engine.Ports(r.Context(), of.id, of.name, options.Ports)
			if err != nil {
				return err
			}
			return streams.Sessions.Forward(w, r, of.name, options.Ports, options.Explain, ports)
		},
	}
}
