// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// EngineNamespace is the only ContainerNamespace of a Docker Engine. dockerd keeps everything in it.
const EngineNamespace = "moby"

// +genclient
// +genclient:onlyVerbs=get,list,watch
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ContainerNamespace is a namespace of the container engine. It is not a Kubernetes namespace. A Docker Engine has only
// one, moby.
type ContainerNamespace struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ContainerNamespaceList is a list of container namespaces.
type ContainerNamespaceList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items are the container namespaces.
	Items []ContainerNamespace `json:"items"`
}
