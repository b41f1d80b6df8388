// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package containers has the rules of the API group containers.rancherdesktop.io: what is valid, which fields select
// objects, and how objects are named.
package containers

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// Install adds the API group to a scheme. Its one version is registered twice: the same types are the internal version.
func Install(scheme *runtime.Scheme) {
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	internal := schema.GroupVersion{Group: v1alpha1.GroupName, Version: runtime.APIVersionInternal}
	scheme.AddKnownTypes(internal, v1alpha1.KnownTypes()...)
	utilruntime.Must(scheme.SetVersionPriority(v1alpha1.SchemeGroupVersion))
	addRequestDefaults(scheme)

	for kind, empty := range kinds {
		known := SelectableFields(empty)
		utilruntime.Must(scheme.AddFieldLabelConversionFunc(v1alpha1.SchemeGroupVersion.WithKind(kind),
			func(label, value string) (string, string, error) {
				if !known.Has(label) {
					return "", "", fmt.Errorf("%q is not a field that can select a %s: use one of %s",
						label, kind, sorted(known))
				}
				return label, value, nil
			}))
	}
}

var kinds = map[string]runtime.Object{
	"Container":          &v1alpha1.Container{},
	"Image":              &v1alpha1.Image{},
	"Volume":             &v1alpha1.Volume{},
	"Network":            &v1alpha1.Network{},
	"ImagePullRequest":   &v1alpha1.ImagePullRequest{},
	"ImagePushRequest":   &v1alpha1.ImagePushRequest{},
	"ContainerNamespace": &v1alpha1.ContainerNamespace{},
	"Engine":             &v1alpha1.Engine{},
	"ContainerMetrics":   &v1alpha1.ContainerMetrics{},
}
