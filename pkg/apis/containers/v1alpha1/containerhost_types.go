// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// ContainerPublishedPort is a port of a container that is published on the engine's host, or only exposed.
type ContainerPublishedPort struct {
	// containerPort is the port in the container, from 1 to 65535. docker run: --publish and --expose.
	ContainerPort int32 `json:"containerPort"`
	// protocol is TCP, UDP or SCTP. The default is TCP. docker run: --publish and --expose.
	// +optional
	Protocol corev1.Protocol `json:"protocol,omitempty"`
	// hostIP is the address on the engine's host at which the port is published. The default is all addresses.
	// docker run: --publish.
	// +optional
	HostIP string `json:"hostIP,omitempty"`
	// hostPort is the port on the engine's host. With 0, Docker chooses one at each start. Without hostPort, the port is
	// only exposed: it is known to others, and publishAllPorts publishes it. docker run: --publish.
	// +optional
	HostPort *int32 `json:"hostPort,omitempty"`
}

// ContainerNetworkAttachment connects a container to a network.
type ContainerNetworkAttachment struct {
	// name is the name of the network. docker run: --network.
	Name string `json:"name"`
	// aliases are additional names of the container on the network. docker run: --network-alias.
	// +optional
	// +listType=atomic
	Aliases []string `json:"aliases,omitempty"`
	// ipv4Address is the container's address on the network. Without it, Docker chooses one. docker run: --ip.
	// +optional
	Ipv4Address string `json:"ipv4Address,omitempty"`
	// ipv6Address is the container's IPv6 address on the network. Without it, Docker chooses one. docker run: --ip6.
	// +optional
	Ipv6Address string `json:"ipv6Address,omitempty"`
	// macAddress is the container's MAC address on the network. Without it, Docker chooses one.
	// docker run: --mac-address.
	// +optional
	MACAddress string `json:"macAddress,omitempty"`
}

// ContainerDNS says how a container looks up names. What is not given here is as on the engine's host.
type ContainerDNS struct {
	// servers are the addresses of DNS servers. docker run: --dns.
	// +optional
	// +listType=atomic
	Servers []string `json:"servers,omitempty"`
	// searches are the domains in which short names are looked up. docker run: --dns-search.
	// +optional
	// +listType=atomic
	Searches []string `json:"searches,omitempty"`
	// options are options of /etc/resolv.conf, such as ndots:2. docker run: --dns-option.
	// +optional
	// +listType=atomic
	Options []string `json:"options,omitempty"`
}

// ContainerMountType is what is mounted.
// +enum
type ContainerMountType string

const (
	// ContainerMountBind mounts a file or directory of the engine's host.
	ContainerMountBind ContainerMountType = "bind"
	// ContainerMountVolume mounts a volume.
	ContainerMountVolume ContainerMountType = "volume"
	// ContainerMountTmpfs mounts memory that is lost when the container stops.
	ContainerMountTmpfs ContainerMountType = "tmpfs"
	// ContainerMountImage mounts the content of an image.
	ContainerMountImage ContainerMountType = "image"
)

// ContainerMount is a directory or file that a container sees in addition to its image.
type ContainerMount struct {
	// type is bind, volume, tmpfs or image. docker run: --mount with type.
	Type ContainerMountType `json:"type"`
	// source is a path on the engine's host for a bind, the name of a volume, or the name of an image. A volume that is
	// not there is created. Without source, a volume is anonymous. tmpfs has no source.
	// docker run: --mount with source, and --volume.
	// +optional
	Source string `json:"source,omitempty"`
	// target is the absolute path in the container. docker run: --mount with target, --volume and --tmpfs.
	Target string `json:"target"`
	// readOnly keeps the container from writing to it. docker run: --mount with readonly, and --volume with ro.
	// +optional
	ReadOnly bool `json:"readOnly,omitempty"`
	// bind has the options of a mount of type bind.
	// +optional
	Bind *ContainerBindOptions `json:"bind,omitempty"`
	// volume has the options of a mount of type volume.
	// +optional
	Volume *ContainerVolumeOptions `json:"volume,omitempty"`
	// tmpfs has the options of a mount of type tmpfs.
	// +optional
	Tmpfs *ContainerTmpfsOptions `json:"tmpfs,omitempty"`
	// image has the options of a mount of type image.
	// +optional
	Image *ContainerImageMountOptions `json:"image,omitempty"`
}

// ContainerBindOptions are the options of a mount of type bind.
type ContainerBindOptions struct {
	// propagation says which later mounts are seen on the other side: private, rprivate, shared, rshared, slave or
	// rslave. The default is rprivate. docker run: --mount with bind-propagation.
	// +optional
	Propagation string `json:"propagation,omitempty"`
	// createHostPath makes a directory on the engine's host if nothing is at source. Without it, a source that is not
	// there is an error. Source and target cannot have a colon then. docker run: --volume.
	// +optional
	CreateHostPath bool `json:"createHostPath,omitempty"`
	// nonRecursive leaves out what is mounted below source. docker run: --mount with bind-recursive.
	// +optional
	NonRecursive bool `json:"nonRecursive,omitempty"`
	// selinux labels the content on the engine's host for SELinux: shared for all containers, or private for this one.
	// It needs createHostPath. docker run: --volume with z or Z.
	// +optional
	Selinux string `json:"selinux,omitempty"`
}

// ContainerVolumeOptions are the options of a mount of type volume.
type ContainerVolumeOptions struct {
	// noCopy keeps an empty volume empty. Otherwise Docker fills it with what the image has at target.
	// docker run: --mount with volume-nocopy.
	// +optional
	NoCopy bool `json:"noCopy,omitempty"`
	// subpath is the path in the volume that is mounted instead of all of it. docker run: --mount with volume-subpath.
	// +optional
	Subpath string `json:"subpath,omitempty"`
	// driver is the volume driver, if the volume is to be created. docker run: --mount with volume-driver.
	// +optional
	Driver string `json:"driver,omitempty"`
	// options are the options of the driver, if the volume is to be created. docker run: --mount with volume-opt.
	// +optional
	Options map[string]string `json:"options,omitempty"`
	// labels are the labels of the volume, if it is to be created. docker run: --mount with volume-label.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
}

// ContainerTmpfsOptions are the options of a mount of type tmpfs.
type ContainerTmpfsOptions struct {
	// size is the largest size, such as 64Mi. The default is half of the host's memory.
	// docker run: --mount with tmpfs-size.
	// +optional
	Size *resource.Quantity `json:"size,omitempty"`
	// mode is the file mode of the directory. In YAML it may be written octal, such as 01777.
	// docker run: --mount with tmpfs-mode.
	// +optional
	Mode *int32 `json:"mode,omitempty"`
	// options are mount options such as noexec or size=64m. They cannot be combined with size and mode.
	// docker run: --tmpfs.
	// +optional
	// +listType=atomic
	Options []string `json:"options,omitempty"`
}

// ContainerImageMountOptions are the options of a mount of type image.
type ContainerImageMountOptions struct {
	// subpath is the path in the image that is mounted instead of all of it. docker run: --mount with image-subpath.
	// +optional
	Subpath string `json:"subpath,omitempty"`
}

// ContainerResources limit what a container uses.
type ContainerResources struct {
	// cpu is how much processor time the container may use, such as 1.5 or 500m. docker run: --cpus.
	// +optional
	CPU *resource.Quantity `json:"cpu,omitempty"`
	// memory is the limit of memory, such as 256Mi. The least is 6Mi. docker run: --memory.
	// +optional
	Memory *resource.Quantity `json:"memory,omitempty"`
	// memorySwap is the limit of memory and swap together. -1 means that swap has no limit. The default is twice memory.
	// docker run: --memory-swap.
	// +optional
	MemorySwap *resource.Quantity `json:"memorySwap,omitempty"`
	// memoryReservation is a softer limit, which holds when the host is short of memory. docker run: --memory-reservation.
	// +optional
	MemoryReservation *resource.Quantity `json:"memoryReservation,omitempty"`
	// pids is how many processes and threads the container may have. -1 means any number. docker run: --pids-limit.
	// +optional
	Pids *int64 `json:"pids,omitempty"`
	// cpuShares is the container's weight when processors are busy. 1024 is the weight of a container that has no
	// cpuShares. docker run: --cpu-shares.
	// +optional
	CPUShares *int64 `json:"cpuShares,omitempty"`
	// cpuset are the processors that the container may use, such as 0-2,7. docker run: --cpuset-cpus.
	// +optional
	Cpuset string `json:"cpuset,omitempty"`
}

// ContainerUlimit is a limit of the kernel for each process.
type ContainerUlimit struct {
	// name is the name of the limit, such as nofile. docker run: --ulimit.
	Name string `json:"name"`
	// soft is the limit that a process has first. -1 means none. docker run: --ulimit.
	Soft int64 `json:"soft"`
	// hard is the limit up to which a process can raise it. -1 means none. docker run: --ulimit.
	Hard int64 `json:"hard"`
}

// ContainerDevice is a device of the engine's host that a container can use.
type ContainerDevice struct {
	// hostPath is the path of the device on the engine's host, or a CDI name such as vendor.com/class=name.
	// docker run: --device.
	HostPath string `json:"hostPath"`
	// containerPath is the path of the device in the container. The default is hostPath. docker run: --device.
	// +optional
	ContainerPath string `json:"containerPath,omitempty"`
	// permissions are some of r (read), w (write) and m (make it with mknod). The default is rwm. docker run: --device.
	// +optional
	Permissions string `json:"permissions,omitempty"`
}

// ContainerGPUs are the GPUs that a container can use. count and deviceIDs exclude each other.
type ContainerGPUs struct {
	// count is how many GPUs the container gets. -1 means all. docker run: --gpus.
	// +optional
	Count *int32 `json:"count,omitempty"`
	// deviceIDs are the GPUs by their numbers or UUIDs. docker run: --gpus with device.
	// +optional
	// +listType=atomic
	DeviceIDs []string `json:"deviceIDs,omitempty"`
	// driver is the driver of the GPUs, such as nvidia. The default is any that has them.
	// docker run: --gpus with driver.
	// +optional
	Driver string `json:"driver,omitempty"`
	// capabilities are what the GPUs must be able to do, such as compute. The default is gpu.
	// docker run: --gpus with capabilities.
	// +optional
	// +listType=atomic
	Capabilities []string `json:"capabilities,omitempty"`
}

// ContainerNetworkStatus is a network that a container is connected to, with the addresses that it has there while it runs.
type ContainerNetworkStatus struct {
	// name is the name of the network.
	Name string `json:"name"`
	// networkID is the ID of the network.
	// +optional
	NetworkID string `json:"networkID,omitempty"`
	// ipAddress is the container's IPv4 address.
	// +optional
	IPAddress string `json:"ipAddress,omitempty"`
	// ipv6Address is the container's IPv6 address.
	// +optional
	Ipv6Address string `json:"ipv6Address,omitempty"`
	// gateway is the address of the network's gateway.
	// +optional
	Gateway string `json:"gateway,omitempty"`
	// macAddress is the container's MAC address.
	// +optional
	MACAddress string `json:"macAddress,omitempty"`
}

// ContainerMountStatus is what a container has mounted, whoever asked for it.
type ContainerMountStatus struct {
	// type is bind, volume, tmpfs, image or another word of Docker's.
	Type ContainerMountType `json:"type"`
	// name is the name of the volume.
	// +optional
	Name string `json:"name,omitempty"`
	// source is where the content is on the engine's host.
	// +optional
	Source string `json:"source,omitempty"`
	// target is the path in the container.
	Target string `json:"target"`
	// driver is the volume driver.
	// +optional
	Driver string `json:"driver,omitempty"`
	// readOnly is true if the container cannot write to it.
	// +optional
	ReadOnly bool `json:"readOnly,omitempty"`
	// propagation says which later mounts are seen on the other side.
	// +optional
	Propagation string `json:"propagation,omitempty"`
}
