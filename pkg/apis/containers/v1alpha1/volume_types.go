// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +genclient
// +genclient:onlyVerbs=get,list,watch,delete,deleteCollection
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// Volume is one volume of the Docker Engine. Its metadata.name is the volume's Docker name. A name that Kubernetes
// forbids, such as one with a slash, has '~' in place of each such character and ends with '-' and the first ten
// hexadecimal digits of its SHA-256.
type Volume struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata. The uid never changes while the volume lives. A volume that was removed and
	// made again has another one where the engine can tell: before Docker 23, if its driver, options or labels differ. Labels are those Docker labels that are valid Kubernetes labels; all
	// of them are in status.labels.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// status is what Docker says of the volume now. It is read-only.
	// +optional
	Status VolumeStatus `json:"status,omitempty"`
}

// VolumeStatus is what Docker says of a volume.
type VolumeStatus struct {
	// name is the volume's name in Docker.
	// +optional
	Name string `json:"name,omitempty"`
	// namespace is the engine's own namespace of volumes. It is moby.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// createdAt is when the volume was created. It is absent where the driver does not say. Before Docker 23 the engine says
	// when the volume's content last changed: it is then what the engine said when the server first saw the volume.
	// +optional
	CreatedAt *metav1.Time `json:"createdAt,omitempty"`
	// driver is the volume driver, such as local.
	// +optional
	Driver string `json:"driver,omitempty"`
	// mountpoint is where the volume's data is on the engine's host.
	// +optional
	Mountpoint string `json:"mountpoint,omitempty"`
	// labels are all of the volume's labels in Docker.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
	// scope is how far the volume reaches: local or global.
	// +optional
	Scope string `json:"scope,omitempty"`
	// options are the driver's options that the volume was created with.
	// +optional
	Options map[string]string `json:"options,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VolumeList is a list of volumes.
type VolumeList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items are the volumes.
	Items []Volume `json:"items"`
}
