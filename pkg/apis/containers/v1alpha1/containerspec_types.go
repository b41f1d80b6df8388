// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
)

// ContainerSpec says how a container is made, and whether it runs. Only state, resources, restartPolicy and networks can be
// changed while the container exists. To change another field, replace the container: kubectl replace --force does it.
//
// For a container that was created here, spec shows the fields that its creator gave, with the values that Docker holds
// now. For any other container it shows what differs from the configuration of the image and from the defaults of the
// engine. What holds in the end, whoever asked for it, is in status.
type ContainerSpec struct {
	// state is the state of the container in Docker: running, paused, created (not running) or unknown. Setting it
	// makes the Docker call while the request waits. running starts a stopped container or unpauses a paused one,
	// paused pauses a running one, and created stops it. The change is made once. The server does not undo a later
	// docker stop, nor what a restart policy does. A new container is started unless state is created.
	// +optional
	State ContainerState `json:"state,omitempty"`

	// image is the name of the image, as for docker run. It may be a tag, such as busybox:1.36, a digest, or the ID of an
	// image that is there. A name without a tag means latest. It is required for a new container.
	// +optional
	Image string `json:"image,omitempty"`
	// imagePullPolicy says when the image is pulled for a new container: Always, Never, or IfNotPresent, which is the
	// default. docker run: --pull.
	// +optional
	ImagePullPolicy ContainerImagePullPolicy `json:"imagePullPolicy,omitempty"`
	// platform is the platform of the image that is wanted, such as linux/arm64. The default is the engine's own.
	// docker run: --platform.
	// +optional
	Platform string `json:"platform,omitempty"`
	// pullSecrets are the names of Secrets of type kubernetes.io/dockerconfigjson with credentials for the registry. They
	// are used only behind a cluster, and only if the user may get them.
	// +optional
	// +listType=set
	PullSecrets []string `json:"pullSecrets,omitempty"`

	// command is the program with its first arguments. It replaces the ENTRYPOINT of the image, and then the CMD of the
	// image is not used. docker run: --entrypoint.
	// +optional
	// +listType=atomic
	Command []string `json:"command,omitempty"`
	// args are the arguments of the program. They replace the CMD of the image. docker run: the words after the image.
	// +optional
	// +listType=atomic
	Args []string `json:"args,omitempty"`
	// env are environment variables, in addition to those of the image. Behind a cluster their values are not shown,
	// unless the server runs with --show-environment. docker run: --env.
	// +optional
	// +patchMergeKey=name
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=name
	Env []ContainerEnvVar `json:"env,omitempty" patchStrategy:"merge" patchMergeKey:"name"`
	// workingDir is the directory in which the program starts. docker run: --workdir.
	// +optional
	WorkingDir string `json:"workingDir,omitempty"`
	// user is the user that runs the program, as a name or number, with an optional group: user:group.
	// docker run: --user.
	// +optional
	User string `json:"user,omitempty"`
	// tty gives the program a terminal. docker run: --tty.
	// +optional
	TTY bool `json:"tty,omitempty"`
	// stdin keeps the program's standard input open, so that clients can attach to it. docker run: --interactive.
	// +optional
	Stdin bool `json:"stdin,omitempty"`
	// stdinOnce closes standard input when the first client that was attached to it leaves.
	// +optional
	StdinOnce bool `json:"stdinOnce,omitempty"`
	// init runs a small init process in the container, which forwards signals and reaps processes. The default is the
	// engine's. docker run: --init.
	// +optional
	Init *bool `json:"init,omitempty"`
	// stopSignal is the signal that stops the container, such as SIGINT. docker run: --stop-signal.
	// +optional
	StopSignal string `json:"stopSignal,omitempty"`
	// stopTimeoutSeconds is how long Docker waits after the stop signal before it kills the container. -1 means that it
	// waits as long as it takes. docker run: --stop-timeout.
	// +optional
	StopTimeoutSeconds *int64 `json:"stopTimeoutSeconds,omitempty"`
	// autoRemove removes the container and its anonymous volumes when it ends. docker run: --rm.
	// +optional
	AutoRemove bool `json:"autoRemove,omitempty"`

	// hostname is the container's own host name. docker run: --hostname.
	// +optional
	Hostname string `json:"hostname,omitempty"`
	// domainname is the container's own domain name. docker run: --domainname.
	// +optional
	Domainname string `json:"domainname,omitempty"`
	// labels are those of the container's labels in Docker that are no valid Kubernetes labels. The others are in
	// metadata.labels. docker run: --label.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`

	// ports are the ports that are published on the engine's host or only exposed. docker run: --publish and --expose.
	// +optional
	// +listType=atomic
	Ports []ContainerPublishedPort `json:"ports,omitempty"`
	// publishAllPorts publishes each exposed port, also those of the image, on a port that Docker chooses.
	// docker run: --publish-all.
	// +optional
	PublishAllPorts bool `json:"publishAllPorts,omitempty"`
	// networkMode is bridge, host, none, or container: and the name of the container whose network this one shares. To
	// connect the container to networks by their names, use networks instead. docker run: --network.
	// +optional
	NetworkMode string `json:"networkMode,omitempty"`
	// networks are the networks that the container is connected to. The first one is the one that it starts with. They can
	// be changed at any time: the container is then connected to these networks and disconnected from all others.
	// docker run: --network.
	// +optional
	// +patchMergeKey=name
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=name
	Networks []ContainerNetworkAttachment `json:"networks,omitempty" patchStrategy:"merge" patchMergeKey:"name"`
	// dns says how the container looks up names.
	// +optional
	DNS *ContainerDNS `json:"dns,omitempty"`
	// extraHosts are additional lines of /etc/hosts, each as name:address. The address host-gateway is the engine's host.
	// docker run: --add-host.
	// +optional
	// +listType=atomic
	ExtraHosts []string `json:"extraHosts,omitempty"`

	// mounts are the directories and files that the container sees in addition to its image. docker run: --mount,
	// --volume and --tmpfs.
	// +optional
	// +patchMergeKey=target
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=target
	Mounts []ContainerMount `json:"mounts,omitempty" patchStrategy:"merge" patchMergeKey:"target"`
	// shmSize is the size of /dev/shm, such as 128Mi. docker run: --shm-size.
	// +optional
	ShmSize *resource.Quantity `json:"shmSize,omitempty"`

	// resources limit what the container uses. They can be changed at any time, but Docker cannot take a limit back, except
	// that of pids.
	// +optional
	Resources *ContainerResources `json:"resources,omitempty"`
	// ulimits are limits of the kernel for each process. docker run: --ulimit.
	// +optional
	// +patchMergeKey=name
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=name
	Ulimits []ContainerUlimit `json:"ulimits,omitempty" patchStrategy:"merge" patchMergeKey:"name"`
	// devices are devices of the engine's host that the container can use. docker run: --device.
	// +optional
	// +listType=atomic
	Devices []ContainerDevice `json:"devices,omitempty"`
	// gpus are the GPUs that the container can use. docker run: --gpus.
	// +optional
	Gpus *ContainerGPUs `json:"gpus,omitempty"`

	// restartPolicy says when Docker starts the container again after it has ended. It can be changed at any time.
	// docker run: --restart.
	// +optional
	RestartPolicy *ContainerRestartPolicy `json:"restartPolicy,omitempty"`
	// healthCheck says how Docker finds out whether the container is healthy. What is not given here is as the image says.
	// +optional
	HealthCheck *ContainerHealthCheck `json:"healthCheck,omitempty"`

	// securityContext says what the container's processes may do.
	// +optional
	SecurityContext *ContainerSecurityContext `json:"securityContext,omitempty"`
	// sysctls are parameters of the kernel for the container's namespaces. docker run: --sysctl.
	// +optional
	Sysctls map[string]string `json:"sysctls,omitempty"`
	// pidMode is host, or container: and the name of the container whose processes this one sees. docker run: --pid.
	// +optional
	PIDMode string `json:"pidMode,omitempty"`
	// ipcMode is none, private, shareable, host, or container: and the name of the container whose shared memory this one
	// uses. docker run: --ipc.
	// +optional
	IPCMode string `json:"ipcMode,omitempty"`
	// utsMode is host if the container has the host name of the engine's host. docker run: --uts.
	// +optional
	UTSMode string `json:"utsMode,omitempty"`
	// usernsMode is host if user IDs in the container are those of the engine's host, even if the engine maps them.
	// docker run: --userns.
	// +optional
	UsernsMode string `json:"usernsMode,omitempty"`
	// cgroupnsMode is host or private. docker run: --cgroupns.
	// +optional
	CgroupnsMode string `json:"cgroupnsMode,omitempty"`
	// runtime is the name of the OCI runtime, such as runc. docker run: --runtime.
	// +optional
	Runtime string `json:"runtime,omitempty"`

	// logging says where the container's output goes.
	// +optional
	Logging *ContainerLogging `json:"logging,omitempty"`
}

// ContainerImagePullPolicy says when an image is pulled for a new container.
// +enum
type ContainerImagePullPolicy string

const (
	// ContainerPullIfNotPresent pulls the image if it is not there.
	ContainerPullIfNotPresent ContainerImagePullPolicy = "IfNotPresent"
	// ContainerPullAlways pulls the image each time.
	ContainerPullAlways ContainerImagePullPolicy = "Always"
	// ContainerPullNever never pulls the image. It must be there.
	ContainerPullNever ContainerImagePullPolicy = "Never"
)

// ContainerEnvVar is an environment variable.
type ContainerEnvVar struct {
	// name is the name of the variable. docker run: --env.
	Name string `json:"name"`
	// value is the value of the variable. The default is an empty text. docker run: --env.
	// +optional
	Value string `json:"value,omitempty"`
}

// ContainerRestartPolicyName says when Docker starts a container again.
// +enum
type ContainerRestartPolicyName string

const (
	// ContainerRestartNo never starts the container again.
	ContainerRestartNo ContainerRestartPolicyName = "no"
	// ContainerRestartAlways starts the container again whenever it ends, and when the engine starts.
	ContainerRestartAlways ContainerRestartPolicyName = "always"
	// ContainerRestartOnFailure starts the container again if its exit code is not 0.
	ContainerRestartOnFailure ContainerRestartPolicyName = "on-failure"
	// ContainerRestartUnlessStopped is always, but a container that was stopped stays stopped when the engine starts.
	ContainerRestartUnlessStopped ContainerRestartPolicyName = "unless-stopped"
)

// ContainerRestartPolicy says when Docker starts a container again after it has ended.
type ContainerRestartPolicy struct {
	// name is "no", always, on-failure or unless-stopped. In YAML, "no" needs its quotes. docker run: --restart.
	Name ContainerRestartPolicyName `json:"name"`
	// maximumRetryCount is how often a container with on-failure is started again. 0 means any number of times.
	// docker run: --restart.
	// +optional
	MaximumRetryCount int32 `json:"maximumRetryCount,omitempty"`
}

// ContainerHealthCheck says how Docker finds out whether a container is healthy. At most one of command, shellCommand and
// disable is set.
type ContainerHealthCheck struct {
	// command is a program with its arguments that runs in the container. The container is healthy if its exit code is 0.
	// +optional
	// +listType=atomic
	Command []string `json:"command,omitempty"`
	// shellCommand is a line for the container's shell instead. docker run: --health-cmd.
	// +optional
	ShellCommand string `json:"shellCommand,omitempty"`
	// disable turns the health check of the image off. docker run: --no-healthcheck.
	// +optional
	Disable bool `json:"disable,omitempty"`
	// intervalSeconds is the time between two checks. docker run: --health-interval.
	// +optional
	IntervalSeconds int32 `json:"intervalSeconds,omitempty"`
	// timeoutSeconds is how long one check may take. docker run: --health-timeout.
	// +optional
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`
	// startPeriodSeconds is how long the container may take to start, before failed checks count.
	// docker run: --health-start-period.
	// +optional
	StartPeriodSeconds int32 `json:"startPeriodSeconds,omitempty"`
	// retries is how many checks must fail, one after another, until the container is unhealthy.
	// docker run: --health-retries.
	// +optional
	Retries int32 `json:"retries,omitempty"`
}

// ContainerSecurityContext says what the processes of a container may do.
type ContainerSecurityContext struct {
	// privileged gives the container all that root on the engine's host has. docker run: --privileged.
	// +optional
	Privileged bool `json:"privileged,omitempty"`
	// readOnlyRootFilesystem keeps the container from writing to its image's file system. docker run: --read-only.
	// +optional
	ReadOnlyRootFilesystem bool `json:"readOnlyRootFilesystem,omitempty"`
	// capabilities are what is added to and dropped from Docker's set of Linux capabilities.
	// +optional
	Capabilities *ContainerCapabilities `json:"capabilities,omitempty"`
	// groups are additional groups of the process, as names or numbers. docker run: --group-add.
	// +optional
	// +listType=atomic
	Groups []string `json:"groups,omitempty"`
	// securityOpts are options for SELinux, AppArmor and seccomp, such as no-new-privileges.
	// docker run: --security-opt.
	// +optional
	// +listType=atomic
	SecurityOpts []string `json:"securityOpts,omitempty"`
}

// ContainerCapabilities are changes of Docker's set of Linux capabilities.
type ContainerCapabilities struct {
	// add are capabilities such as NET_ADMIN, or ALL. docker run: --cap-add.
	// +optional
	// +listType=atomic
	Add []string `json:"add,omitempty"`
	// drop are capabilities such as NET_RAW, or ALL. docker run: --cap-drop.
	// +optional
	// +listType=atomic
	Drop []string `json:"drop,omitempty"`
}

// ContainerLogging says where the output of a container goes.
type ContainerLogging struct {
	// driver is the log driver, such as json-file or local. docker run: --log-driver.
	// +optional
	Driver string `json:"driver,omitempty"`
	// options are the options of the log driver, such as max-size. docker run: --log-opt.
	// +optional
	Options map[string]string `json:"options,omitempty"`
}
