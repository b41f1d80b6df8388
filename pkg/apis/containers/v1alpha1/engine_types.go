// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// EngineName is the name of the only Engine.
const EngineName = "moby"

// +genclient
// +genclient:onlyVerbs=get,list,watch
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// Engine is the container engine itself. There is just one, moby, and it can be read whether the engine answers or not:
// its conditions say.
type Engine struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata. The generation stays the same while the server runs: there is nothing to
	// ask of an engine.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// status is what is known of the engine. While it does not answer, its conditions say why, and all else is as it
	// was last known. It is read-only.
	// +optional
	Status EngineStatus `json:"status,omitempty"`
}

// Types of the conditions of an Engine. All of them are always present.
const (
	// EngineReady is true while the engine answers.
	EngineReady = "ContainerEngineReady"
	// EngineSynced is true while all that the engine holds has been read and is kept up to date: while the conditions of all
	// kinds are true.
	EngineSynced = "Synced"
	// EngineContainersSynced is true while the containers have been read and are kept up to date.
	EngineContainersSynced = "ContainersSynced"
	// EngineImagesSynced is true while the images have been read and are kept up to date.
	EngineImagesSynced = "ImagesSynced"
	// EngineVolumesSynced is true while the volumes have been read and are kept up to date.
	EngineVolumesSynced = "VolumesSynced"
)

// Reasons of the condition ContainerEngineReady.
const (
	// EngineConnected is an engine that answers.
	EngineConnected = "Connected"
	// EngineConnectFailed is an engine that has not answered yet, or that does not answer for a reason other than that
	// it was stopped.
	EngineConnectFailed = "ConnectFailed"
	// EngineStopped is an engine that did answer and has been stopped since.
	EngineStopped = "Stopped"
	// EngineNotApplicable is an engine that answers but cannot be served.
	EngineNotApplicable = "NotApplicable"
)

// Reasons of the condition Synced and of those of the kinds.
const (
	// EngineSyncedReason is an engine of which all has been read, or a kind of which all has.
	EngineSyncedReason = "Synced"
	// EngineSyncing is an engine that is being read for the first time since it answers, or a kind that is.
	EngineSyncing = "Syncing"
	// EngineUnavailable is an engine that does not answer, or a kind that cannot be read. The server tries again by itself.
	EngineUnavailable = "Unavailable"
	// EnginePartlySynced is an engine that answers, but not for every kind. The other kinds are served.
	EnginePartlySynced = "PartlySynced"
	// EngineComparisonFailed is a kind that has been read and is served, but could not be compared with the engine again.
	// Changes that raise no event may be missing.
	EngineComparisonFailed = "ComparisonFailed"
)

// EngineStatus is what is known of the engine.
type EngineStatus struct {
	// observedGeneration is the generation that the status belongs to. It is always metadata.generation.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// version is the engine's release, such as 28.5.2.
	// +optional
	Version string `json:"version,omitempty"`
	// apiVersion is the version of Docker's API that is spoken with the engine, such as 1.51.
	// +optional
	APIVersion string `json:"apiVersion,omitempty"`
	// os is the operating system that the engine runs on, such as linux.
	// +optional
	OS string `json:"os,omitempty"`
	// architecture is the processor architecture that the engine runs on, such as amd64.
	// +optional
	Architecture string `json:"architecture,omitempty"`
	// endpoint is the engine's address, without a password.
	// +optional
	Endpoint string `json:"endpoint,omitempty"`
	// storageDriver is what keeps the engine's file systems, such as overlay2. It is absent until the engine tells.
	// +optional
	StorageDriver string `json:"storageDriver,omitempty"`
	// counts are how many objects the engine shows as. They are renewed at most once a second, and absent until a kind has
	// been read for the first time. Of a kind that cannot be read, as its condition says, they count what was last known.
	// +optional
	Counts *EngineCounts `json:"counts,omitempty"`
	// conditions are ContainerEngineReady, which is true while the engine answers; ContainersSynced, ImagesSynced and
	// VolumesSynced, each of which is true while all objects of that kind have been read and are kept up to date; and
	// Synced, which is true while all of these are. A kind that cannot be read says why, and the others are served.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// EngineCounts are how many objects the engine shows as.
type EngineCounts struct {
	// containers are all containers, running or not.
	// +optional
	Containers int32 `json:"containers"`
	// containersRunning are the containers whose spec.state is running.
	// +optional
	ContainersRunning int32 `json:"containersRunning"`
	// containersPaused are the containers whose spec.state is paused.
	// +optional
	ContainersPaused int32 `json:"containersPaused"`
	// images are the images: each tag counts as one, and so does each image without tags.
	// +optional
	Images int32 `json:"images"`
	// volumes are the volumes.
	// +optional
	Volumes int32 `json:"volumes"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// EngineList is a list of engines.
type EngineList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items are the engines.
	Items []Engine `json:"items"`
}
