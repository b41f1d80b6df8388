// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ActionAnnotation is the annotation that makes Docker carry out one ContainerAction while the request waits. It is
// never kept. The outcome is in status.lastAction.
const ActionAnnotation = "containers.rancherdesktop.io/action"

// StopTimeoutAnnotation is the annotation that says how many seconds Docker gives the container to end before it kills
// it. It goes with the actions stop and restart, and is never kept. Without it the container's own timeout counts.
const StopTimeoutAnnotation = "containers.rancherdesktop.io/stop-timeout-seconds"

// MaxStopTimeoutSeconds is the largest value of StopTimeoutAnnotation.
const MaxStopTimeoutSeconds = 600

// FieldsLabel is a Docker label of each container that was created here. It records which paths of the spec the creator gave,
// in FieldsV1 form and in the order given. It records a value only for a field that Docker does not keep, or that Docker writes
// in another form. The API never shows the label.
const FieldsLabel = "containers.rancherdesktop.io/fields"

// +genclient
// +genclient:noStatus
// +genclient:method=Kill,verb=create,subresource=kill,input=github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1.ContainerKill,result=k8s.io/apimachinery/pkg/apis/meta/v1.Status
// +genclient:method=Rename,verb=create,subresource=rename,input=github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1.ContainerRename,result=k8s.io/apimachinery/pkg/apis/meta/v1.Status
// +genclient:method=GetTop,verb=get,subresource=top,result=github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1.ContainerTop
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// Container is one container of the Docker Engine, running or not. Its metadata.name is the container's name in Docker.
// The container also answers to its full ID and to its 12-character ID. If Kubernetes forbids the name in Docker,
// because it has a slash for example, metadata.name has '~' in place of each forbidden character. It then ends with '-'
// and the first ten hexadecimal digits of the SHA-256 of the name in Docker.
type Container struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata. The uid belongs to the container behind the name. If a container is
	// removed and made again, it gets another uid. The generation changes with spec, and when a deletion begins. It
	// only grows, even over a restart of the server. metadata.labels has those Docker labels that are valid Kubernetes
	// labels. Labels that are given at creation become labels in Docker, as with docker run --label. status.labels has
	// all of them. Neither labels nor annotations can be changed, because Docker cannot store them after creation.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// spec says how the container is made, and whether it runs.
	// +optional
	Spec ContainerSpec `json:"spec,omitempty"`
	// status is what Docker reports about the container now. It is read-only.
	// +optional
	Status ContainerStatus `json:"status,omitempty"`
}

// ContainerState is the state of a container, reduced to what a client can ask for.
// +enum
type ContainerState string

const (
	// ContainerStateRunning is a container that runs, or that Docker is restarting.
	ContainerStateRunning ContainerState = "running"
	// ContainerStatePaused is a container whose processes are frozen.
	ContainerStatePaused ContainerState = "paused"
	// ContainerStateCreated is a container that does not run: never started, exited, dead, or being removed.
	ContainerStateCreated ContainerState = "created"
	// ContainerStateUnknown is a container whose Docker status this version does not know. Clients cannot ask for it.
	ContainerStateUnknown ContainerState = "unknown"
)

// ContainerDockerStatus is Docker's own word for the status of a container.
// +enum
type ContainerDockerStatus string

const (
	// ContainerDockerStatusCreated is a container that was never started.
	ContainerDockerStatusCreated ContainerDockerStatus = "created"
	// ContainerDockerStatusRunning is a container whose main process runs.
	ContainerDockerStatusRunning ContainerDockerStatus = "running"
	// ContainerDockerStatusPausing is a container that Docker is pausing.
	ContainerDockerStatusPausing ContainerDockerStatus = "pausing"
	// ContainerDockerStatusPaused is a container whose processes are frozen.
	ContainerDockerStatusPaused ContainerDockerStatus = "paused"
	// ContainerDockerStatusRestarting is a container that waits for its restart policy to start it again.
	ContainerDockerStatusRestarting ContainerDockerStatus = "restarting"
	// ContainerDockerStatusRemoving is a container that Docker is removing.
	ContainerDockerStatusRemoving ContainerDockerStatus = "removing"
	// ContainerDockerStatusExited is a container that has run and no longer runs.
	ContainerDockerStatusExited ContainerDockerStatus = "exited"
	// ContainerDockerStatusDead is a container whose removal failed half way.
	ContainerDockerStatusDead ContainerDockerStatus = "dead"
	// ContainerDockerStatusUnknown is a status that this version does not know.
	ContainerDockerStatusUnknown ContainerDockerStatus = "unknown"
)

// ContainerHealth is the outcome of a container's health check.
// +enum
type ContainerHealth string

const (
	// ContainerHealthStarting is a check that has not decided yet.
	ContainerHealthStarting ContainerHealth = "starting"
	// ContainerHealthHealthy is a check that passes.
	ContainerHealthHealthy ContainerHealth = "healthy"
	// ContainerHealthUnhealthy is a check that fails.
	ContainerHealthUnhealthy ContainerHealth = "unhealthy"
)

// Types of the conditions of a Container. All but Healthy are always present.
const (
	// ContainerRunning is true while the main process exists, even if it is paused.
	ContainerRunning = "Running"
	// ContainerPaused is true while the processes are frozen.
	ContainerPaused = "Paused"
	// ContainerRestarting is true while Docker waits to start the container again.
	ContainerRestarting = "Restarting"
	// ContainerOOMKilled is true if the out-of-memory killer ended the last run.
	ContainerOOMKilled = "OOMKilled"
	// ContainerDead is true if a removal of the container failed half way.
	ContainerDead = "Dead"
	// ContainerHealthy is the outcome of the health check. It is absent if the container has no health check.
	ContainerHealthy = "Healthy"
)

// ContainerStatus is what Docker reports about a container.
type ContainerStatus struct {
	// observedGeneration is the generation that the status belongs to. It is always metadata.generation.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// id is the container's full ID, 64 hexadecimal digits.
	// +optional
	ID string `json:"id,omitempty"`
	// name is the container's name in Docker, without a leading slash.
	// +optional
	Name string `json:"name,omitempty"`
	// namespace is the engine's own namespace of containers. It is moby.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// path is the program that the container runs.
	// +optional
	Path string `json:"path,omitempty"`
	// args are the program's arguments.
	// +optional
	// +listType=atomic
	Args []string `json:"args,omitempty"`
	// image is the ID of the image that the container was made from, as in the status.id of that Image. The name that was
	// given is spec.image.
	// +optional
	Image string `json:"image,omitempty"`
	// imageID has the same value as image.
	// +optional
	ImageID string `json:"imageID,omitempty"`
	// ports are the container's ports, exposed or published.
	// +optional
	// +listType=map
	// +listMapKey=name
	Ports []ContainerPort `json:"ports,omitempty"`
	// networks are the networks that the container is connected to, with its addresses.
	// +optional
	// +listType=map
	// +listMapKey=name
	Networks []ContainerNetworkStatus `json:"networks,omitempty"`
	// mounts are what the container has mounted, whoever asked for it.
	// +optional
	// +listType=map
	// +listMapKey=target
	Mounts []ContainerMountStatus `json:"mounts,omitempty"`
	// labels are all of the container's labels in Docker.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
	// status is Docker's own word: created, running, pausing, paused, restarting, removing, exited, dead, or
	// unknown.
	// +optional
	Status ContainerDockerStatus `json:"status,omitempty"`
	// health is the outcome of the health check: starting, healthy or unhealthy. It is absent if the container has no
	// health check.
	// +optional
	Health ContainerHealth `json:"health,omitempty"`
	// pid is the ID of the main process on the engine's host. It is 0 while the container does not run.
	// +optional
	PID int64 `json:"pid"`
	// exitCode is the exit code of the last run. It is 0 while the container runs. Windows processes have codes up to
	// 4294967295.
	// +optional
	ExitCode int64 `json:"exitCode"`
	// error is why the last start failed, in Docker's words.
	// +optional
	Error string `json:"error,omitempty"`
	// restartCount is how many times the restart policy has started the container again.
	// +optional
	RestartCount int64 `json:"restartCount"`
	// createdAt is when the container was created.
	// +optional
	CreatedAt *metav1.Time `json:"createdAt,omitempty"`
	// startedAt is when the container was last started. It is absent if the container was never started.
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`
	// finishedAt is when the container's last finished run ended. It is absent if no run has ended.
	// +optional
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
	// conditions are Running, Paused, Restarting, OOMKilled and Dead, and Healthy if there is a health check. The time
	// of Running is Docker's time of the start or of the end. The other times are when the server saw the change,
	// because Docker does not keep them. After a restart of the server, an unchanged condition has the earliest
	// possible time, such as the container's start.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// lastAction is the outcome of the last command that the annotation containers.rancherdesktop.io/action gave, or of
	// the last delete that failed after it was answered. It is kept in memory only.
	// +optional
	LastAction *ContainerLastAction `json:"lastAction,omitempty"`
}

// ContainerPort is one port of a container.
type ContainerPort struct {
	// name is the port's number and protocol, such as 80/tcp.
	Name string `json:"name"`
	// active is true while the container runs and its network has the port. It is false on networks that have no ports
	// of their own, such as the host's. The column PORTS shows the active ports.
	// +optional
	Active bool `json:"active,omitempty"`
	// bindings are the addresses where the port is published on the engine's host. There are none if the port is only
	// exposed.
	// +optional
	// +listType=atomic
	Bindings []ContainerPortBinding `json:"bindings,omitempty"`
}

// ContainerPortBinding is one address where a port is published.
type ContainerPortBinding struct {
	// hostIP is the address on the engine's host.
	// +optional
	HostIP string `json:"hostIP,omitempty"`
	// hostPort is the port on the engine's host.
	// +optional
	HostPort string `json:"hostPort,omitempty"`
}

// ContainerAction is a one-time command for a container.
// +enum
type ContainerAction string

const (
	// ContainerActionStart starts a container that does not run.
	ContainerActionStart ContainerAction = "start"
	// ContainerActionStop stops a container.
	ContainerActionStop ContainerAction = "stop"
	// ContainerActionPause freezes a running container.
	ContainerActionPause ContainerAction = "pause"
	// ContainerActionUnpause thaws a paused container.
	ContainerActionUnpause ContainerAction = "unpause"
	// ContainerActionRestart stops a container and starts it again.
	ContainerActionRestart ContainerAction = "restart"
	// ContainerActionDelete is the removal of a container. The annotation cannot have this value. lastAction reports it
	// if a graceful delete failed after it was answered.
	ContainerActionDelete ContainerAction = "delete"
)

// ContainerActionState is how a command ended.
// +enum
type ContainerActionState string

const (
	// ContainerActionSucceeded is a command that Docker carried out.
	ContainerActionSucceeded ContainerActionState = "Succeeded"
	// ContainerActionFailed is a command that Docker refused.
	ContainerActionFailed ContainerActionState = "Failed"
)

// ContainerLastAction is the outcome of a command for a container.
type ContainerLastAction struct {
	// action is the command: start, stop, pause, unpause, restart, or delete.
	Action ContainerAction `json:"action"`
	// state is Succeeded or Failed.
	State ContainerActionState `json:"state"`
	// error is why the command failed, in Docker's words.
	// +optional
	Error string `json:"error,omitempty"`
	// observedAt is when the server received the command.
	ObservedAt metav1.Time `json:"observedAt"`
	// completedAt is when Docker answered.
	// +optional
	CompletedAt *metav1.Time `json:"completedAt,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ContainerList is a list of containers.
type ContainerList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items are the containers.
	Items []Container `json:"items"`
}
