// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +genclient
// +genclient:onlyVerbs=create,update,patch,apply,get,list,watch,delete,deleteCollection
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// Volume is one volume of the Docker Engine. Its metadata.name is the volume's name in Docker. If Kubernetes forbids
// that name, because it has a slash for example, metadata.name has '~' in place of each forbidden character. It then
// ends with '-' and the first ten hexadecimal digits of the SHA-256 of the name in Docker.
//
// To create a Volume is docker volume create. A name that is taken is refused. Docker cannot change a volume after its
// creation.
type Volume struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata. The uid never changes while the volume lives. If a volume is removed
	// and made again, it gets another uid where the engine can tell. Before Docker 23, the engine can tell only if the
	// driver, options or labels differ. metadata.labels has those Docker labels that are valid Kubernetes labels. Labels
	// that are given here at creation become labels in Docker, as with docker volume create --label. status.labels has
	// all of them.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// spec is how the volume was made. It shows what Docker holds, whoever made the volume, and cannot be changed.
	// +optional
	Spec VolumeSpec `json:"spec,omitempty"`
	// status is what Docker reports about the volume now. It is read-only.
	// +optional
	Status VolumeStatus `json:"status,omitempty"`
}

// DefaultVolumeDriver is the driver of a new volume that names none.
const DefaultVolumeDriver = "local"

// VolumeSpec is how a volume was made.
type VolumeSpec struct {
	// driver is the volume driver. The default is local. docker volume create: --driver.
	// +optional
	Driver string `json:"driver,omitempty"`
	// options are the options of the driver. The driver local takes type, o and device as mount does, and size.
	// docker volume create: --opt.
	// +optional
	Options map[string]string `json:"options,omitempty"`
	// labels are those of the volume's labels in Docker that are no valid Kubernetes labels. The others are in
	// metadata.labels. A valid Kubernetes label that is given here moves to metadata.labels.
	// docker volume create: --label.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
}

// VolumeStatus is what Docker reports about a volume.
type VolumeStatus struct {
	// name is the volume's name in Docker.
	// +optional
	Name string `json:"name,omitempty"`
	// namespace is the engine's own namespace of volumes. It is moby.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// createdAt is when the volume was created. It is absent if the driver does not report it. Before Docker 23, the
	// engine reports when the content of the volume last changed instead. createdAt is then what the engine reported
	// when the server first saw the volume.
	// +optional
	CreatedAt *metav1.Time `json:"createdAt,omitempty"`
	// driver is the volume driver, such as local.
	// +optional
	Driver string `json:"driver,omitempty"`
	// mountpoint is where the volume's data is on the engine's host.
	// +optional
	Mountpoint string `json:"mountpoint,omitempty"`
	// inUse says that a container has the volume. It does not matter whether the container runs. inUse is absent if the
	// engine does not list its containers.
	// +optional
	InUse *bool `json:"inUse,omitempty"`
	// anonymous says that Docker made up the volume's name, because the one who wanted the volume gave none. It is true
	// if the volume has the label com.docker.volume.anonymous. Docker before 23 and Podman do not set the label. With
	// them it is true if the name is 64 hexadecimal digits, as made-up names are.
	// +optional
	Anonymous bool `json:"anonymous"`
	// labels are all of the volume's labels in Docker.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
	// scope is the level at which the volume exists: local for this machine, or global for a whole cluster.
	// +optional
	Scope string `json:"scope,omitempty"`
	// options are the options of the driver that the volume was created with.
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
