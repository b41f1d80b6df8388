// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +genclient
// +genclient:onlyVerbs=create,update,patch,apply,get,list,watch,delete,deleteCollection
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// Image is one tag of an image in the Docker Engine, or an image that has no tag. Its metadata.name is the tag with '~'
// in place of every slash, such as localhost:5000~team~app:v1. An image without a tag has its image ID as the name,
// such as sha256:0123... An image that is shown as only one object also answers to its full ID and to its short ID.
//
// To create an Image is to tag an image: metadata.name is the new tag, and spec.from is the image. To change spec.from is
// to move the tag.
type Image struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata. The uid belongs to the image and the tag together. If a tag moves to
	// another image, the object gets another uid. metadata.labels has those image labels that are valid Kubernetes
	// labels. status.labels has all of them.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// spec says which image the tag is for.
	// +optional
	Spec ImageSpec `json:"spec,omitempty"`
	// status is what Docker reports about the image now. It is read-only.
	// +optional
	Status ImageStatus `json:"status,omitempty"`
}

// ImageSpec says which image a tag is for.
type ImageSpec struct {
	// from is the image that has the tag. Set it to the name or the ID of an Image. It reads as the image's ID. To change
	// it is to move the tag to another image. It is absent for an image without tags, and cannot be set there.
	// +optional
	From string `json:"from,omitempty"`
}

// ImageTagged is the type of the condition of an Image. It is true if the image has a tag.
const ImageTagged = "Tagged"

// ImageStatus is what Docker reports about an image.
type ImageStatus struct {
	// namespace is the engine's own namespace of images. It is moby.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// id is the image ID, sha256: and 64 hexadecimal digits.
	// +optional
	ID string `json:"id,omitempty"`
	// repoTag is the tag that this object stands for, such as busybox:latest. It is absent for an image without tags.
	// +optional
	RepoTag string `json:"repoTag,omitempty"`
	// repoDigests are the digests that identify the image in registries.
	// +optional
	// +listType=atomic
	RepoDigests []string `json:"repoDigests,omitempty"`
	// createdAt is when the image was built.
	// +optional
	CreatedAt *metav1.Time `json:"createdAt,omitempty"`
	// architecture is the processor architecture that the image is for, such as amd64.
	// +optional
	Architecture string `json:"architecture,omitempty"`
	// os is the operating system that the image is for, such as linux.
	// +optional
	OS string `json:"os,omitempty"`
	// size is the size of the image's layers on disk, in bytes. A layer that images share counts for each of them.
	// +optional
	Size int64 `json:"size"`
	// dangling says that docker images shows the image as dangling. Such an image has no tag. Engines with the containerd
	// image store do not count an image that was pulled by its digest.
	// +optional
	Dangling bool `json:"dangling"`
	// inUse says that a container was made of the image. It does not matter whether the container runs, or by which of the
	// image's tags it was made. inUse is absent if the engine does not list its containers.
	// +optional
	InUse *bool `json:"inUse,omitempty"`
	// labels are all of the image's labels.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
	// conditions has the condition Tagged. It is true if the image has a tag, and false if the image is dangling. Its
	// time is when the server saw the tag come or go. If that was before the server started, it is when the image was
	// built.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ImageList is a list of images.
type ImageList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items are the images.
	Items []Image `json:"items"`
}
