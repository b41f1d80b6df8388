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

// Engine is the container engine itself. There is only one, moby. It can be read even if the engine does not answer:
// its conditions then say so.
type Engine struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata. The generation stays the same while the server runs, because an engine
	// has no spec.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// status is what the server knows about the engine. While the engine does not answer, the conditions say why, and
	// all else stays as it was last known. It is read-only.
	// +optional
	Status EngineStatus `json:"status,omitempty"`
}

// Types of the conditions of an Engine. All of them are always present.
const (
	// EngineReady is true while the engine answers.
	EngineReady = "ContainerEngineReady"
	// EngineSynced is true while everything that the engine holds has been read and is kept up to date. It is true if
	// the conditions of all kinds are true.
	EngineSynced = "Synced"
	// EngineContainersSynced is true while the containers have been read and are kept up to date.
	EngineContainersSynced = "ContainersSynced"
	// EngineImagesSynced is true while the images have been read and are kept up to date.
	EngineImagesSynced = "ImagesSynced"
	// EngineVolumesSynced is true while the volumes have been read and are kept up to date.
	EngineVolumesSynced = "VolumesSynced"
	// EngineNetworksSynced is true while the networks have been read and are kept up to date.
	EngineNetworksSynced = "NetworksSynced"
)

// Reasons of the condition ContainerEngineReady.
const (
	// EngineConnected is an engine that answers.
	EngineConnected = "Connected"
	// EngineConnectFailed is an engine that has not answered yet, or that no longer answers but was not stopped.
	EngineConnectFailed = "ConnectFailed"
	// EngineStopped is an engine that has answered and was stopped since.
	EngineStopped = "Stopped"
	// EngineNotApplicable is an engine that answers but cannot be served.
	EngineNotApplicable = "NotApplicable"
)

// Reasons of the condition Synced and of the conditions of the kinds.
const (
	// EngineSyncedReason is an engine or a kind whose objects have all been read.
	EngineSyncedReason = "Synced"
	// EngineSyncing is an engine or a kind that is being read for the first time since the engine answers.
	EngineSyncing = "Syncing"
	// EngineUnavailable is an engine that does not answer, or a kind that cannot be read. The server keeps trying.
	EngineUnavailable = "Unavailable"
	// EnginePartlySynced is an engine that answers for some kinds only. These kinds are served.
	EnginePartlySynced = "PartlySynced"
	// EngineComparisonFailed is a kind that is served, but whose objects could not be compared with the engine again.
	// Changes that raise no event may be missing.
	EngineComparisonFailed = "ComparisonFailed"
)

// EngineStatus is what the server knows about the engine.
type EngineStatus struct {
	// observedGeneration is the generation that the status belongs to. It is always metadata.generation.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// version is the engine's release, such as 28.5.2.
	// +optional
	Version string `json:"version,omitempty"`
	// apiVersion is the version of Docker's API that the server uses with the engine, such as 1.51.
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
	// storageDriver is the driver that stores the engine's file systems, such as overlay2. It is absent until the
	// engine reports it.
	// +optional
	StorageDriver string `json:"storageDriver,omitempty"`
	// counts are the numbers of objects. They are renewed at most once a second. They are absent until a kind has been
	// read for the first time. If the condition of a kind says that it cannot be read, its number is the last known
	// one.
	// +optional
	Counts *EngineCounts `json:"counts,omitempty"`
	// conditions are ContainerEngineReady, ContainersSynced, ImagesSynced, VolumesSynced, NetworksSynced and Synced.
	// ContainerEngineReady is true while the engine answers. The condition of a kind is true while all objects of that
	// kind have been read and are kept up to date. Synced is true while all of these are true. If a kind cannot be
	// read, its condition says why. The other kinds are still served.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// EngineCounts are the numbers of objects in the engine.
type EngineCounts struct {
	// containers is the number of containers, running or not.
	// +optional
	Containers int32 `json:"containers"`
	// containersRunning is the number of containers whose spec.state is running.
	// +optional
	ContainersRunning int32 `json:"containersRunning"`
	// containersPaused is the number of containers whose spec.state is paused.
	// +optional
	ContainersPaused int32 `json:"containersPaused"`
	// images is the number of images. Each tag counts as one, and so does each image without tags.
	// +optional
	Images int32 `json:"images"`
	// volumes is the number of volumes.
	// +optional
	Volumes int32 `json:"volumes"`
	// networks is the number of networks.
	// +optional
	Networks int32 `json:"networks"`
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
