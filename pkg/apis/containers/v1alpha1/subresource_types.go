// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ContainerTop is the answer of a container's subresource top: the processes that run in the container.
type ContainerTop struct {
	metav1.TypeMeta `json:",inline"`
	// metadata has the name, the namespace and the uid of the container.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// titles are the titles of the columns, as ps on the engine's host writes them.
	// +optional
	// +listType=atomic
	Titles []string `json:"titles,omitempty"`
	// processes are the processes in the order of ps.
	// +optional
	// +listType=atomic
	Processes []ContainerProcess `json:"processes,omitempty"`
}

// ContainerProcess is one process of a container.
type ContainerProcess struct {
	// values are the cells of the process, one for each title.
	// +optional
	// +listType=atomic
	Values []string `json:"values,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ContainerKill sends a signal to the main process of a container when it is created at the container's subresource
// kill.
type ContainerKill struct {
	metav1.TypeMeta `json:",inline"`
	// metadata may have the name and the namespace of the container. They must then be those in the path.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// signal is the name or the number of the signal, such as SIGHUP, HUP or 1. The default is SIGKILL.
	// +optional
	Signal string `json:"signal,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ContainerRename gives a container another name when it is created at the container's subresource rename. Watches see
// the container of the old name deleted, and one with the new name and another uid added.
type ContainerRename struct {
	metav1.TypeMeta `json:",inline"`
	// metadata may have the name and the namespace of the container. They must then be those in the path.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// newName is the name that the container gets.
	NewName string `json:"newName"`
}

// ContainerPathStat is what is at a path in a container. It is the answer of the subresource archive to stat=true.
type ContainerPathStat struct {
	// name is the last part of the path.
	Name string `json:"name"`
	// size is the size of a file in bytes.
	Size int64 `json:"size"`
	// mode is the type and the permissions, as ls shows them: drwxr-xr-x is a directory.
	Mode string `json:"mode"`
	// isDirectory tells whether it is a directory.
	IsDirectory bool `json:"isDirectory"`
	// modifiedAt is when its content last changed.
	ModifiedAt metav1.Time `json:"modifiedAt"`
	// linkTarget is where a symbolic link leads.
	// +optional
	LinkTarget string `json:"linkTarget,omitempty"`
}
