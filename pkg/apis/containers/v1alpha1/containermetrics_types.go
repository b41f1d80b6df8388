// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +genclient
// +genclient:onlyVerbs=get,list,watch
// +resourceName=containermetrics
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ContainerMetrics is what a container uses. It has the name, the labels and the creationTimestamp of the container. Only
// containers that run have one. The engine is asked every 15 seconds, and only as long as somebody asks for metrics.
// What the engine does not tell is absent.
type ContainerMetrics struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// id is the container's full ID, 64 hexadecimal digits.
	// +optional
	ID string `json:"id,omitempty"`
	// timestamp is when the engine took the sample, by its own clock.
	// +optional
	Timestamp metav1.Time `json:"timestamp"`
	// window is the time before timestamp over which usage.cpu is the mean. It is absent while there is no such time.
	// +optional
	Window *metav1.Duration `json:"window,omitempty"`
	// usage is what the container uses.
	// +optional
	Usage ContainerMetricsResources `json:"usage"`
	// limits are what the container may use.
	// +optional
	Limits ContainerMetricsResources `json:"limits"`
	// network is what the container has received and sent since it was started. It is absent if the container has no network
	// of its own.
	// +optional
	Network *ContainerMetricsNetwork `json:"network,omitempty"`
	// blockIO is what the container has read from block devices and written to them since it was started.
	// +optional
	BlockIO *ContainerMetricsBlockIO `json:"blockIO,omitempty"`
	// pids is the number of processes and threads in the container.
	// +optional
	Pids *int64 `json:"pids,omitempty"`
}

// ContainerMetricsResources are amounts of processor time and of memory.
type ContainerMetricsResources struct {
	// cpu is processor time: 1 is all the time of one processor, and 250m a quarter of it. As usage, it is the mean over the
	// window. As a limit, it is that of the container. A container without one may use all processors of the engine's host.
	// +optional
	CPU *resource.Quantity `json:"cpu,omitempty"`
	// memory is memory in bytes. As usage, it is what docker stats shows: without the part of the page cache that the kernel
	// can free at once. As a limit, it is that of the container. A container without one may use all memory of the engine's
	// host.
	// +optional
	Memory *resource.Quantity `json:"memory,omitempty"`
}

// ContainerMetricsNetwork is what a container has received and sent over all its networks.
type ContainerMetricsNetwork struct {
	// rxBytes is the number of bytes that were received.
	// +optional
	RxBytes int64 `json:"rxBytes"`
	// txBytes is the number of bytes that were sent.
	// +optional
	TxBytes int64 `json:"txBytes"`
}

// ContainerMetricsBlockIO is what a container has read from block devices and written to them.
type ContainerMetricsBlockIO struct {
	// readBytes is the number of bytes that were read.
	// +optional
	ReadBytes int64 `json:"readBytes"`
	// writeBytes is the number of bytes that were written.
	// +optional
	WriteBytes int64 `json:"writeBytes"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ContainerMetricsList is a list of the metrics of containers.
type ContainerMetricsList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items are the metrics of the containers.
	Items []ContainerMetrics `json:"items"`
}
