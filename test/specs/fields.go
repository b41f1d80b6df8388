// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package specs

import (
	"fmt"
	"slices"

	"github.com/docker/docker/api/types/versions"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

type spec = v1alpha1.ContainerSpec

// Fields returns all fields that the engine knows.
func (w World) Fields() []Field {
	return slices.Concat(processFields, nameFields, networkFields, w.networksFields(), storageFields, w.newStorageFields(), resourceFields, healthFields, securityFields, namespaceFields, loggingFields)
}

// has reports whether the engine has that version of the API.
func (w World) has(version string) bool { return versions.GreaterThanOrEqualTo(w.API, version) }

var processFields = []Field{
	{"imagePullPolicy", func(m *maker, s *spec) {
		s.ImagePullPolicy = one(m, v1alpha1.ContainerPullIfNotPresent, v1alpha1.ContainerPullNever)
	}, nil},
	{"pullSecrets", func(m *maker, s *spec) { s.PullSecrets = some(m, "registry", "other") }, nil},
	{"command", func(m *maker, s *spec) { s.Command = some(m, "sleep", "a b", `"quoted"`, "--x=$Y", "ä", "-") }, nil},
	{"command none", func(m *maker, s *spec) { s.Command, s.Args = []string{""}, some(m, "sleep", "1") }, []string{"command", "args"}},
	{"args", func(m *maker, s *spec) { s.Args = some(m, "3600", "", "two words", "last") }, nil},
	{"env", func(m *maker, s *spec) {
		s.Env = some(m, v1alpha1.ContainerEnvVar{Name: "Z", Value: m.word()}, v1alpha1.ContainerEnvVar{Name: "A", Value: "x=y, \"z\"\n"},
			v1alpha1.ContainerEnvVar{Name: "EMPTY"}, v1alpha1.ContainerEnvVar{Name: "PATH", Value: "/bin"},
			v1alpha1.ContainerEnvVar{Name: "FROM_IMAGE", Value: "kept"})
	}, nil},
	{"workingDir", func(m *maker, s *spec) { s.WorkingDir = one(m, "/", "/tmp", "/new/dir", "/of/image") }, nil},
	{"user", func(m *maker, s *spec) { s.User = one(m, "0", "1000:1000", "65534") }, nil},
	{"tty", func(_ *maker, s *spec) { s.TTY = true }, nil},
	{"stdin", func(_ *maker, s *spec) { s.Stdin = true }, nil},
	{"stdinOnce", func(_ *maker, s *spec) { s.Stdin, s.StdinOnce = true, true }, nil},
	{"init", func(m *maker, s *spec) { s.Init = new(one(m, true, false)) }, nil},
	{"stopSignal", func(m *maker, s *spec) { s.StopSignal = one(m, "SIGINT", "TERM", "9", "SIGUSR1") }, nil},
	{"stopTimeoutSeconds", func(m *maker, s *spec) { s.StopTimeoutSeconds = new(one[int64](m, -1, 0, 1, 300)) }, nil},
	{"autoRemove", func(_ *maker, s *spec) { s.AutoRemove = true }, []string{"restartPolicy"}},
	{"restartPolicy", func(m *maker, s *spec) {
		s.RestartPolicy = &v1alpha1.ContainerRestartPolicy{Name: one(m, v1alpha1.ContainerRestartNo, v1alpha1.ContainerRestartAlways, v1alpha1.ContainerRestartUnlessStopped)}
	}, nil},
	{"restartPolicy.maximumRetryCount", func(m *maker, s *spec) {
		s.RestartPolicy = &v1alpha1.ContainerRestartPolicy{Name: v1alpha1.ContainerRestartOnFailure, MaximumRetryCount: one[int32](m, 0, 1, 5)}
	}, []string{"restartPolicy"}},
}

var nameFields = []Field{
	{"hostname", func(m *maker, s *spec) { s.Hostname = m.word() }, []string{"networkMode container", "utsMode"}},
	{"domainname", func(m *maker, s *spec) { s.Domainname = m.word() + ".example" }, []string{"networkMode container", "utsMode"}},
	{"labels", func(m *maker, s *spec) {
		s.Labels = map[string]string{"not valid": m.word(), "url": "https://x/y?z", "Ünicode": "\"\\"}
	}, nil},
}

var loggingFields = []Field{
	{"logging.driver", func(m *maker, s *spec) {
		s.Logging = logging(s)
		s.Logging.Driver = one(m, "json-file", "local", "none")
	}, []string{"logging.options"}},
	{"logging.options", func(m *maker, s *spec) {
		s.Logging = logging(s)
		s.Logging.Driver, s.Logging.Options = "json-file", map[string]string{"max-size": one(m, "10m", "1g"), "max-file": "3"}
	}, nil},
}

func logging(s *spec) *v1alpha1.ContainerLogging {
	if s.Logging == nil {
		return &v1alpha1.ContainerLogging{}
	}
	return s.Logging
}

var healthFields = []Field{
	{"healthCheck.command", func(m *maker, s *spec) { health(s).Command = some(m, "wget", "-q", "two words") }, []string{"healthCheck.shellCommand", "healthCheck.disable"}},
	{"healthCheck.shellCommand", func(m *maker, s *spec) {
		health(s).ShellCommand = one(m, "wget -q http://localhost || exit 1", "true")
	}, []string{"healthCheck.disable"}},
	{"healthCheck.disable", func(_ *maker, s *spec) { health(s).Disable = true }, []string{"healthCheck"}},
	{"healthCheck.times", func(m *maker, s *spec) {
		c := health(s)
		c.ShellCommand, c.IntervalSeconds, c.TimeoutSeconds, c.StartPeriodSeconds, c.Retries = "true", one[int32](m, 1, 60, 30), 10, 90, 5
	}, []string{"healthCheck.command", "healthCheck.shellCommand", "healthCheck.disable"}},
}

func health(s *spec) *v1alpha1.ContainerHealthCheck {
	if s.HealthCheck == nil {
		s.HealthCheck = &v1alpha1.ContainerHealthCheck{}
	}
	return s.HealthCheck
}

var resourceFields = []Field{
	{"shmSize", func(m *maker, s *spec) { s.ShmSize = quantity(m, "64Mi", "128Mi", "1G", "100000000") }, nil},
	{"resources.cpu", func(m *maker, s *spec) { resources(s).CPU = quantity(m, "500m", "1", "250m", "100m") }, nil},
	{"resources.memory", func(m *maker, s *spec) {
		resources(s).Memory = quantity(m, "256Mi", "500M", "1Gi", "10G", "1073741824", "133333333")
	}, []string{"resources.memorySwap"}},
	{"resources.memorySwap", func(m *maker, s *spec) {
		resources(s).Memory, resources(s).MemorySwap = quantity(m, "256Mi"), quantity(m, "512Mi", "1Gi", "-1", "256Mi")
	}, nil},
	{"resources.memoryReservation", func(m *maker, s *spec) { resources(s).MemoryReservation = quantity(m, "32Mi", "64M") }, nil},
	{"resources.pids", func(m *maker, s *spec) { resources(s).Pids = new(one[int64](m, 1, 100)) }, nil},
	{"resources.cpuShares", func(m *maker, s *spec) { resources(s).CPUShares = new(one[int64](m, 2, 512, 1024)) }, nil},
	{"resources.cpuset", func(m *maker, s *spec) { resources(s).Cpuset = one(m, "0", "0-0") }, nil},
	{"ulimits", func(m *maker, s *spec) {
		s.Ulimits = some(m, v1alpha1.ContainerUlimit{Name: "nofile", Soft: 1024, Hard: 2048}, v1alpha1.ContainerUlimit{Name: "memlock", Soft: -1, Hard: -1},
			v1alpha1.ContainerUlimit{Name: "core"})
	}, nil},
	{"devices", func(m *maker, s *spec) {
		s.Devices = some(m, v1alpha1.ContainerDevice{HostPath: "/dev/null"}, v1alpha1.ContainerDevice{HostPath: "/dev/zero", ContainerPath: "/dev/other"},
			v1alpha1.ContainerDevice{HostPath: "/dev/full", Permissions: "r"}, v1alpha1.ContainerDevice{HostPath: "/dev/full", ContainerPath: "/dev/x", Permissions: "rwm"},
			v1alpha1.ContainerDevice{HostPath: "vendor.example/class=first"})
	}, nil},
	{"gpus", func(m *maker, s *spec) {
		s.Gpus = one(m, &v1alpha1.ContainerGPUs{Count: new(int32(-1))}, &v1alpha1.ContainerGPUs{DeviceIDs: []string{"0", "GPU-1"}, Driver: "nvidia"},
			&v1alpha1.ContainerGPUs{Count: new(int32(2)), Capabilities: []string{"compute", "utility"}}, &v1alpha1.ContainerGPUs{Count: new(int32(1)), Capabilities: []string{"gpu"}})
	}, nil},
}

func resources(s *spec) *v1alpha1.ContainerResources {
	if s.Resources == nil {
		s.Resources = &v1alpha1.ContainerResources{}
	}
	return s.Resources
}

func quantity(m *maker, texts ...string) *resource.Quantity {
	q := resource.MustParse(one(m, texts...))
	return &q
}

var securityFields = []Field{
	{"securityContext.privileged", func(_ *maker, s *spec) { security(s).Privileged = true }, []string{"cgroupnsMode"}},
	{"securityContext.readOnlyRootFilesystem", func(_ *maker, s *spec) { security(s).ReadOnlyRootFilesystem = true }, nil},
	{"securityContext.capabilities.add", func(m *maker, s *spec) {
		capabilities(s).Add = some(m, "SYS_TIME", "NET_ADMIN", "CAP_SYS_PTRACE", "chown")
	}, nil},
	{"securityContext.capabilities.drop", func(m *maker, s *spec) { capabilities(s).Drop = one(m, []string{"ALL"}, []string{"NET_RAW", "MKNOD"}) }, nil},
	{"securityContext.groups", func(m *maker, s *spec) { security(s).Groups = some(m, "10", "9", "root") }, nil},
	{"securityContext.securityOpts", func(m *maker, s *spec) {
		security(s).SecurityOpts = some(m, "no-new-privileges", "seccomp=unconfined", "systempaths=unconfined", "label=disable")
	}, nil},
	{"sysctls", func(m *maker, s *spec) {
		s.Sysctls = map[string]string{"net.core.somaxconn": "1024", "kernel.shm_rmid_forced": "1"}
	}, []string{"networkMode", "ipcMode"}},
	{"runtime", func(_ *maker, s *spec) { s.Runtime = "runc" }, nil},
}

func security(s *spec) *v1alpha1.ContainerSecurityContext {
	if s.SecurityContext == nil {
		s.SecurityContext = &v1alpha1.ContainerSecurityContext{}
	}
	return s.SecurityContext
}

func capabilities(s *spec) *v1alpha1.ContainerCapabilities {
	if security(s).Capabilities == nil {
		s.SecurityContext.Capabilities = &v1alpha1.ContainerCapabilities{}
	}
	return s.SecurityContext.Capabilities
}

var namespaceFields = []Field{
	{"pidMode host", func(_ *maker, s *spec) { s.PIDMode = "host" }, []string{"pidMode"}},
	{"pidMode container", func(m *maker, s *spec) { s.PIDMode = "container:" + m.Container }, nil},
	{"ipcMode", func(m *maker, s *spec) {
		s.IPCMode = one(m, "none", "private", "shareable", "host", "container:"+m.Container)
	}, nil},
	{"utsMode", func(_ *maker, s *spec) { s.UTSMode = "host" }, []string{"hostname", "domainname"}},
	{"usernsMode", func(_ *maker, s *spec) { s.UsernsMode = "host" }, nil},
	{"cgroupnsMode", func(m *maker, s *spec) { s.CgroupnsMode = one(m, "host", "private") }, nil},
}

var networkFields = []Field{
	{"ports", func(m *maker, s *spec) {
		s.Ports = some(m, v1alpha1.ContainerPublishedPort{ContainerPort: 8443, HostPort: new(int32(20000 + m.IntN(1000)))}, v1alpha1.ContainerPublishedPort{ContainerPort: 53, Protocol: "UDP"},
			v1alpha1.ContainerPublishedPort{ContainerPort: 80, Protocol: "TCP", HostIP: "127.0.0.1", HostPort: new(int32(21000 + m.IntN(1000)))},
			v1alpha1.ContainerPublishedPort{ContainerPort: 80, HostIP: "127.0.0.2", HostPort: new(int32(0))},
			v1alpha1.ContainerPublishedPort{ContainerPort: 7, Protocol: "SCTP", HostPort: new(int32(0))}, v1alpha1.ContainerPublishedPort{ContainerPort: 9000})
	}, []string{"networkMode"}},
	{"publishAllPorts", func(_ *maker, s *spec) { s.PublishAllPorts = true }, []string{"networkMode"}},
	{"networkMode plain", func(m *maker, s *spec) { s.NetworkMode = one(m, "host", "none") }, []string{"networkMode", "networks"}},
	{"networkMode container", func(m *maker, s *spec) { s.NetworkMode = "container:" + m.Container }, []string{"networks", "dns", "extraHosts", "hostname"}},
	{"dns.servers", func(m *maker, s *spec) { dns(s).Servers = some(m, "9.9.9.9", "1.1.1.1", "fd00::1") }, nil},
	{"dns.searches", func(m *maker, s *spec) { dns(s).Searches = some(m, "b.example", "a.example") }, nil},
	{"dns.options", func(m *maker, s *spec) { dns(s).Options = some(m, "ndots:2", "rotate") }, nil},
	{"extraHosts", func(m *maker, s *spec) {
		s.ExtraHosts = some(m, "z:10.0.0.2", "a:10.0.0.1", "host.docker.internal:host-gateway")
	}, nil},
}

func dns(s *spec) *v1alpha1.ContainerDNS {
	if s.DNS == nil {
		s.DNS = &v1alpha1.ContainerDNS{}
	}
	return s.DNS
}

// networksFields returns the field networks in several forms. Older engines take only one MAC address.
func (w World) networksFields() []Field {
	attach := func(m *maker, i int) v1alpha1.ContainerNetworkAttachment {
		n := m.Networks[i]
		attached := v1alpha1.ContainerNetworkAttachment{Name: n.Name}
		if one(m, true, false) {
			attached.Aliases = some(m, "web", "app", "z")
		}
		if one(m, true, false) {
			attached.Ipv4Address = fmt.Sprintf("%s.%d", n.Subnet, 2+m.IntN(248))
		}
		if (i == 0 || w.has("1.44")) && one(m, true, false) {
			attached.MACAddress = fmt.Sprintf("02:42:ac:11:%02x:%02x", m.IntN(256), m.IntN(256))
		}
		return attached
	}
	return []Field{
		{"networks one", func(m *maker, s *spec) { s.Networks = []v1alpha1.ContainerNetworkAttachment{attach(m, 0)} }, []string{"networks", "networkMode"}},
		{"networks two", func(m *maker, s *spec) {
			s.Networks = []v1alpha1.ContainerNetworkAttachment{attach(m, 0), attach(m, 1)}
		}, []string{"networkMode"}},
	}
}

var storageFields = []Field{
	{"mounts bind", func(m *maker, s *spec) {
		mount(s, v1alpha1.ContainerMount{Type: v1alpha1.ContainerMountBind, Source: m.Dir, Target: "/bind", ReadOnly: one(m, true, false),
			Bind: one(m, nil, &v1alpha1.ContainerBindOptions{Propagation: one(m, "rprivate", "private", "rslave")}, &v1alpha1.ContainerBindOptions{NonRecursive: true})})
	}, nil},
	{"mounts created bind", func(m *maker, s *spec) {
		mount(s, v1alpha1.ContainerMount{Type: v1alpha1.ContainerMountBind, Source: m.Dir + "/" + m.word(), Target: "/a", ReadOnly: one(m, true, false),
			Bind: &v1alpha1.ContainerBindOptions{CreateHostPath: true, Propagation: one(m, "", "rprivate"), Selinux: one(m, "", "shared", "private")}})
	}, nil},
	{"mounts volume", func(m *maker, s *spec) {
		mount(s, v1alpha1.ContainerMount{Type: v1alpha1.ContainerMountVolume, Source: m.Volume, Target: "/volume", ReadOnly: one(m, true, false),
			Volume: one(m, nil, &v1alpha1.ContainerVolumeOptions{NoCopy: true}, &v1alpha1.ContainerVolumeOptions{})})
	}, nil},
	{"mounts new volume", func(m *maker, s *spec) {
		mount(s, v1alpha1.ContainerMount{Type: v1alpha1.ContainerMountVolume, Source: "made-" + m.word(), Target: "/made", Volume: &v1alpha1.ContainerVolumeOptions{
			Driver: "local", Options: map[string]string{"type": "tmpfs", "device": "tmpfs"}, Labels: map[string]string{"of": m.word()}}})
	}, nil},
	{"mounts anonymous", func(m *maker, s *spec) {
		mount(s, v1alpha1.ContainerMount{Type: v1alpha1.ContainerMountVolume, Target: one(m, "/anonymous", "/of/image/volume"), Volume: one(m, nil, &v1alpha1.ContainerVolumeOptions{NoCopy: true})})
	}, nil},
	{"mounts tmpfs", func(m *maker, s *spec) {
		mount(s, v1alpha1.ContainerMount{Type: v1alpha1.ContainerMountTmpfs, Target: "/tmpfs", ReadOnly: one(m, true, false),
			Tmpfs: one(m, nil, &v1alpha1.ContainerTmpfsOptions{}, &v1alpha1.ContainerTmpfsOptions{Options: some(m, "noexec", "size=64m", "mode=1777")})})
	}, nil},
	{"mounts sized tmpfs", func(m *maker, s *spec) {
		mount(s, v1alpha1.ContainerMount{Type: v1alpha1.ContainerMountTmpfs, Target: "/sized", Tmpfs: &v1alpha1.ContainerTmpfsOptions{
			Size: quantity(m, "64Mi", "100M", "1048576"), Mode: one(m, nil, new(int32(0o700)), new(int32(0o1777)))}})
	}, nil},
}

// newStorageFields returns the fields that only newer engines have.
func (w World) newStorageFields() (fields []Field) {
	if w.has("1.45") {
		fields = append(fields, Field{"mounts volume subpath", func(m *maker, s *spec) {
			mount(s, v1alpha1.ContainerMount{Type: v1alpha1.ContainerMountVolume, Source: m.Volume, Target: "/part", Volume: &v1alpha1.ContainerVolumeOptions{Subpath: "a/b"}})
		}, nil})
	}
	if w.has("1.48") {
		fields = append(fields, Field{"mounts image", func(m *maker, s *spec) {
			mount(s, v1alpha1.ContainerMount{Type: v1alpha1.ContainerMountImage, Source: m.Image, Target: "/image", Image: one(m, nil, &v1alpha1.ContainerImageMountOptions{Subpath: "bin"})})
		}, nil})
	}
	return fields
}

// mount adds a mount in front of the others or behind them.
func mount(s *spec, mounts ...v1alpha1.ContainerMount) {
	if len(s.Mounts)%2 == 0 {
		s.Mounts = append(s.Mounts, mounts...)
	} else {
		s.Mounts = append(mounts, s.Mounts...)
	}
}
