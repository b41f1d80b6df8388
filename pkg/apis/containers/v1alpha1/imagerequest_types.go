// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ImagePullPolicy says when an ImagePullRequest asks the registry.
type ImagePullPolicy string

const (
	// ImagePullAlways asks the registry for the image, as docker pull does.
	ImagePullAlways ImagePullPolicy = "Always"
	// ImagePullIfNotPresent asks the registry only if the engine does not have the image.
	ImagePullIfNotPresent ImagePullPolicy = "IfNotPresent"
)

// Types of the conditions of requests.
const (
	// RequestComplete is true when the request has done what it asked for.
	RequestComplete = "Complete"
	// RequestFailed is true when the request has ended without that. Its reason says why.
	RequestFailed = "Failed"
	// RequestFinished is true when the request has ended, either way.
	RequestFinished = "Finished"
)

// Reasons of the condition Failed of requests.
const (
	// RequestUnauthorized means that the registry wants other credentials, or that these do not suffice.
	RequestUnauthorized = "Unauthorized"
	// RequestNotFound means that the image, its tag, its digest or its platform does not exist.
	RequestNotFound = "NotFound"
	// RequestNoSpace means that a disk is full.
	RequestNoSpace = "NoSpace"
	// RequestCancelled means that the server stopped the work before its end.
	RequestCancelled = "Cancelled"
	// RequestEngineLost means that the engine stopped, or that the connection to it was lost.
	RequestEngineLost = "EngineLost"
	// RequestDeadlineExceeded means that spec.activeDeadlineSeconds were over.
	RequestDeadlineExceeded = "DeadlineExceeded"
	// RequestFailedOtherwise means any other failure. The message has Docker's words.
	RequestFailedOtherwise = "Failed"
)

const (
	// DefaultTTLSecondsAfterFinished is the default of spec.ttlSecondsAfterFinished of requests.
	DefaultTTLSecondsAfterFinished = 300
	// MinTTLSecondsAfterFinished is the least value of spec.ttlSecondsAfterFinished of requests.
	MinTTLSecondsAfterFinished = 60
)

// +genclient
// +genclient:onlyVerbs=create,get,list,watch,delete,deleteCollection
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ImagePullRequest pulls an image from a registry, as docker pull does. It starts when it is created, and goes on when
// the client leaves. Its deletion cancels it. It exists in the memory of the server only: when the server restarts, the
// request is gone, and a pull that was running has ended. Wait for its end with kubectl wait
// --for=condition=Finished. Docker's own messages are in the subresource log.
//
// Credentials for the registry come from the first of these that has some: the header X-Registry-Auth of the request
// that creates the ImagePullRequest, in Docker's encoding; the Secrets of spec.pullSecrets; the docker configuration of
// the server's user, if the server may use it.
type ImagePullRequest struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata. The name can be anything that can be one segment of a path.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// spec is what to pull. It cannot be changed.
	// +optional
	Spec ImagePullRequestSpec `json:"spec,omitempty"`
	// status is how far the pull has come. It is read-only.
	// +optional
	Status ImageRequestStatus `json:"status,omitempty"`
}

// ImagePullRequestSpec is what to pull.
type ImagePullRequestSpec struct {
	// namespace is the engine's own namespace for the image. It is moby.
	// +optional
	// +default="moby"
	Namespace string `json:"namespace,omitempty"`
	// repoTag is the image reference to pull, such as busybox, busybox:1.36, or busybox@sha256: and a digest. Without a
	// tag and a digest it means the tag latest.
	RepoTag string `json:"repoTag"`
	// platform is the platform to pull for, such as linux/arm64. The default is the engine's own platform.
	// +optional
	Platform string `json:"platform,omitempty"`
	// policy is Always (the default), which asks the registry as docker pull does, or IfNotPresent, which pulls only if
	// the engine does not have the image for that platform.
	// +optional
	// +default="Always"
	Policy ImagePullPolicy `json:"policy,omitempty"`
	// pullSecrets are the names of Secrets with credentials, of type kubernetes.io/dockerconfigjson, in the namespace of
	// the request. They work behind a cluster only, and only for users who may get them.
	// +optional
	// +listType=atomic
	PullSecrets []string `json:"pullSecrets,omitempty"`
	// activeDeadlineSeconds is how long the pull may take. Then it fails with the reason DeadlineExceeded. By default
	// it may take as long as it likes.
	// +optional
	ActiveDeadlineSeconds *int64 `json:"activeDeadlineSeconds,omitempty"`
	// ttlSecondsAfterFinished is how long the request is kept after its end, 60 or more. The default is 300.
	// +optional
	// +default=300
	TTLSecondsAfterFinished *int32 `json:"ttlSecondsAfterFinished,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ImagePullRequestList is a list of requests to pull images.
type ImagePullRequestList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items are the requests.
	Items []ImagePullRequest `json:"items"`
}

// +genclient
// +genclient:onlyVerbs=create,get,list,watch,delete,deleteCollection
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ImagePushRequest pushes an image to its registry, as docker push does. It starts when it is created, and goes on when
// the client leaves. Its deletion cancels it. It exists in the memory of the server only: when the server restarts, the
// request is gone, and a push that was running has ended. Wait for its end with kubectl wait
// --for=condition=Finished. Docker's own messages are in the subresource log. Credentials come from where those of an
// ImagePullRequest come from.
type ImagePushRequest struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata. The name can be anything that can be one segment of a path.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// spec is what to push. It cannot be changed.
	// +optional
	Spec ImagePushRequestSpec `json:"spec,omitempty"`
	// status is how far the push has come. It is read-only.
	// +optional
	Status ImageRequestStatus `json:"status,omitempty"`
}

// ImagePushRequestSpec is what to push.
type ImagePushRequestSpec struct {
	// namespace is the engine's own namespace of the image. It is moby.
	// +optional
	// +default="moby"
	Namespace string `json:"namespace,omitempty"`
	// imageRef is the metadata.name of the Image to push: its tag with each slash written as '~', such as
	// localhost:5000~team~tool:v2. The tag says which registry the image goes to.
	ImageRef string `json:"imageRef"`
	// pullSecrets are the names of Secrets with credentials, of type kubernetes.io/dockerconfigjson, in the namespace of
	// the request. They work behind a cluster only, and only for users who may get them.
	// +optional
	// +listType=atomic
	PullSecrets []string `json:"pullSecrets,omitempty"`
	// activeDeadlineSeconds is how long the push may take. Then it fails with the reason DeadlineExceeded. By default
	// it may take as long as it likes.
	// +optional
	ActiveDeadlineSeconds *int64 `json:"activeDeadlineSeconds,omitempty"`
	// ttlSecondsAfterFinished is how long the request is kept after its end, 60 or more. The default is 300.
	// +optional
	// +default=300
	TTLSecondsAfterFinished *int32 `json:"ttlSecondsAfterFinished,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ImagePushRequestList is a list of requests to push images.
type ImagePushRequestList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items are the requests.
	Items []ImagePushRequest `json:"items"`
}

// ImageRequestStatus is how far a pull or a push has come.
type ImageRequestStatus struct {
	// observedGeneration is the generation of the spec that the status belongs to.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// startTime is when the request began.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`
	// completionTime is when the request ended, either way.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
	// image is the metadata.name of the Image, when the request is complete. It is the image's ID for a pull by digest.
	// +optional
	Image string `json:"image,omitempty"`
	// imageID is the image's full ID, when the request is complete.
	// +optional
	ImageID string `json:"imageID,omitempty"`
	// digest is the digest of the image in the registry. It is absent until Docker knows it.
	// +optional
	Digest string `json:"digest,omitempty"`
	// currentBytes is how many bytes have been transferred. It never decreases.
	CurrentBytes int64 `json:"currentBytes"`
	// totalBytes is how many bytes there are to transfer in the layers whose size is known so far. It grows when Docker
	// gets to know the size of another layer. It is 0 while no size is known.
	TotalBytes int64 `json:"totalBytes"`
	// layers are the layers of the image, in the order in which Docker named them.
	// +optional
	// +listType=map
	// +listMapKey=id
	Layers []ImageRequestLayer `json:"layers,omitempty"`
	// message is what Docker last said about the image as a whole, or why the request failed.
	// +optional
	Message string `json:"message,omitempty"`
	// conditions are Complete, Failed and Finished. Each of them appears when it is true. Complete and Failed exclude
	// each other, and Finished is true with either. The reason of Failed is Unauthorized, NotFound, NoSpace, Cancelled,
	// EngineLost, DeadlineExceeded or, for all else, Failed.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// ImageRequestLayer is how far one layer of an image has come.
type ImageRequestLayer struct {
	// id is the short ID that Docker gives the layer.
	ID string `json:"id"`
	// phase is what Docker does with the layer, in its own words, such as Downloading or Pull complete.
	// +optional
	Phase string `json:"phase,omitempty"`
	// current is how many bytes of the layer have been transferred. It never decreases.
	Current int64 `json:"current"`
	// total is the size of the layer in bytes. It is 0 while the size is not known, and for a layer that need not be
	// transferred.
	Total int64 `json:"total"`
}
