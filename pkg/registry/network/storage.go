// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package network is the REST storage of Networks.
package network

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// NewStorage returns the REST storage of Networks with the verbs over the objects.
func NewStorage(scheme *runtime.Scheme, objects *registry.Namespaced, verbs registry.Verbs) (rest.Storage, error) {
	strategy := strategy{registry.NewCreatableStrategy(scheme, "the server or the network ends")}
	return registry.NewStorage(registry.Resource{
		Name:           "networks",
		SingularName:   "network",
		ShortName:      "net",
		NewFunc:        func() runtime.Object { return &v1alpha1.Network{} },
		NewListFunc:    func() runtime.Object { return &v1alpha1.NetworkList{} },
		Strategy:       strategy,
		CreateStrategy: strategy,
		TableConvertor: table,
		Permanent:      []string{"bridge", "host", "none"},
	}, verbs, scheme, objects)
}
