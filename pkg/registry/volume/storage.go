// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package volume is the REST storage of Volumes.
package volume

import (
	"strconv"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// NewStorage returns the REST storage of Volumes with the verbs over the objects.
func NewStorage(scheme *runtime.Scheme, objects *registry.Namespaced, verbs registry.Verbs) (rest.Storage, error) {
	strategy := strategy{registry.NewCreatableStrategy(scheme, "the server or the volume ends")}
	return registry.NewStorage(registry.Resource{
		Name:           "volumes",
		SingularName:   "volume",
		ShortName:      "vol",
		NewFunc:        func() runtime.Object { return &v1alpha1.Volume{} },
		NewListFunc:    func() runtime.Object { return &v1alpha1.VolumeList{} },
		Strategy:       strategy,
		CreateStrategy: strategy,
		TableConvertor: table,
	}, verbs, scheme, objects)
}

type column = registry.Column[*v1alpha1.Volume]

var table = registry.NewTableConvertor(
	column{Name: "Driver", Description: "The volume driver.",
		Cell: func(v *v1alpha1.Volume) string { return v.Status.Driver }},
	registry.Age[*v1alpha1.Volume](),
	column{Name: "Scope", Priority: 1, Description: "The level at which the volume exists: local or global.",
		Cell: func(v *v1alpha1.Volume) string { return v.Status.Scope }},
	column{Name: "Mountpoint", Priority: 1, Description: "Where the data is on the engine's host.",
		Cell: func(v *v1alpha1.Volume) string { return v.Status.Mountpoint }},
	column{Name: "In-Use", Priority: 1, Description: "Whether a container has the volume.",
		Cell: func(v *v1alpha1.Volume) string { return registry.Known(v.Status.InUse) }},
	column{Name: "Anonymous", Priority: 1, Description: "Whether Docker made up the name.",
		Cell: func(v *v1alpha1.Volume) string { return strconv.FormatBool(v.Status.Anonymous) }},
)
