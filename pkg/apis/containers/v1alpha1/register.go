// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of all kinds in this package.
const GroupName = "containers.rancherdesktop.io"

var (
	// SchemeGroupVersion is the group and version of all kinds in this package.
	SchemeGroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}

	// SchemeBuilder collects the functions that AddToScheme calls.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)
	// AddToScheme registers the kinds under SchemeGroupVersion.
	AddToScheme = SchemeBuilder.AddToScheme

	// localSchemeBuilder is where the generated conversions register themselves.
	localSchemeBuilder = &SchemeBuilder
)

// Kind returns the kind qualified by the group.
func Kind(kind string) schema.GroupKind { return SchemeGroupVersion.WithKind(kind).GroupKind() }

// Resource returns the resource qualified by the group.
func Resource(resource string) schema.GroupResource {
	return SchemeGroupVersion.WithResource(resource).GroupResource()
}

// KnownTypes returns a new object of each kind, list, body and set of options of this package.
func KnownTypes() []runtime.Object {
	return append(OptionTypes(),
		&Container{}, &ContainerList{},
		&Image{}, &ImageList{},
		&Volume{}, &VolumeList{},
		&Network{}, &NetworkList{},
		&ImagePullRequest{}, &ImagePullRequestList{},
		&ImagePushRequest{}, &ImagePushRequestList{},
		&ContainerNamespace{}, &ContainerNamespaceList{},
		&Engine{}, &EngineList{},
		&ContainerMetrics{}, &ContainerMetricsList{},
		&ContainerTop{}, &ContainerKill{}, &ContainerRename{},
	)
}

// OptionTypes returns new options of each subresource that has query parameters.
func OptionTypes() []runtime.Object {
	return []runtime.Object{
		&ContainerLogOptions{}, &ContainerExecOptions{}, &ContainerAttachOptions{},
		&ContainerPortForwardOptions{}, &ContainerArchiveOptions{}, &ContainerTopOptions{},
		&ImageRequestLogOptions{},
	}
}

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(SchemeGroupVersion, KnownTypes()...)
	metav1.AddToGroupVersion(scheme, SchemeGroupVersion)
	return nil
}
