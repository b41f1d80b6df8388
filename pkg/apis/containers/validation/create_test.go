// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// specOf returns a valid spec with these fields in YAML.
func specOf(t *testing.T, fields string) *v1alpha1.Container {
	t.Helper()
	container := &v1alpha1.Container{}
	container.Name, container.Spec.Image = "web", "busybox"
	if err := yaml.UnmarshalStrict([]byte(fields), &container.Spec); err != nil {
		t.Fatalf("decoding %q: %v", fields, err)
	}
	return container
}

func TestWhatCannotBeAskedForIsRefusedWithItsFieldAndWhatWouldBeRight(t *testing.T) {
	for _, test := range []struct{ spec, want string }{
		{`image: ""`, "spec.image: Required value: must name an image"},
		{`image: "Busy Box"`, `spec.image: Invalid value: "Busy Box": must name an image`},
		{`image: "sha256:abc"`, "spec.image: Invalid value"},
		{`imagePullPolicy: Sometimes`, `spec.imagePullPolicy: Unsupported value: "Sometimes": supported values: "IfNotPresent", "Always", "Never"`},
		{`{image: "sha256:` + strings.Repeat("a", 64) + `", imagePullPolicy: Always}`, "spec.imagePullPolicy: Invalid value: \"Always\": must be IfNotPresent or Never"},
		{`platform: "linux amd64"`, "spec.platform: Invalid value: \"linux amd64\": must be a platform, such as linux/arm64"},
		{`pullSecrets: [A_B]`, "spec.pullSecrets[0]: Invalid value"},
		{`pullSecrets: [a, a]`, "spec.pullSecrets[1]: Duplicate value"},
		{`state: unknown`, `spec.state: Unsupported value: "unknown": supported values: "running", "paused", "created"`},

		{`command: ["a\0"]`, "spec.command[0]: Invalid value: must not have a zero byte"},
		{`env: [{name: "", value: x}]`, "spec.env[0].name: Required value"},
		{`env: [{name: "A=secret"}]`, `spec.env[0].name: Invalid value: "A=...": must not have '=': the value goes into value`},
		{`env: [{name: A, value: x}, {name: A, value: y}]`, `spec.env[1].name: Duplicate value: "A"`},
		{`env: [{name: A, value: "secret\0"}]`, "spec.env[0].value: Invalid value: must not have a zero byte"},
		{`workingDir: app`, `spec.workingDir: Invalid value: "app": must be an absolute path`},
		{`stopSignal: SIGFOO`, `spec.stopSignal: Invalid value: "SIGFOO": must be the name of a signal, such as SIGINT, or a number from 1 to 64`},
		{`stopSignal: "0"`, "spec.stopSignal"},
		{`stopSignal: "65"`, "spec.stopSignal"},
		{`stopSignal: RTMIN+16`, "spec.stopSignal"},
		{`stopTimeoutSeconds: -2`, "spec.stopTimeoutSeconds: Invalid value: -2: must be between 0 and"},
		{`hostname: web_-`, "spec.hostname: Invalid value"},
		{`hostname: ` + strings.Repeat("a", 65), "at most 64 characters"},
		{`domainname: a..b`, "spec.domainname: Invalid value"},
		{`{hostname: web, utsMode: host}`, "spec.hostname: Forbidden: cannot be combined with utsMode host"},

		{`ports: [{containerPort: 0}]`, "spec.ports[0].containerPort: Invalid value: 0: must be between 1 and 65535"},
		{`ports: [{containerPort: 80, protocol: tcp}]`, `spec.ports[0].protocol: Unsupported value: "tcp": supported values: "TCP", "UDP", "SCTP"`},
		{`ports: [{containerPort: 80, hostPort: 65536}]`, "spec.ports[0].hostPort: Invalid value: 65536: must be between 1 and 65535, or 0"},
		{`ports: [{containerPort: 80, hostPort: 1, hostIP: localhost}]`, `spec.ports[0].hostIP: Invalid value: "localhost": must be an IP address`},
		{`ports: [{containerPort: 80, hostPort: 1, hostIP: "0:0::1"}]`, "spec.ports[0].hostIP: Invalid value: \"0:0::1\": must be written as ::1"},
		{`ports: [{containerPort: 80, hostIP: 127.0.0.1}]`, "spec.ports[0].hostPort: Required value"},
		{`ports: [{containerPort: 80}, {containerPort: 80, protocol: TCP}]`, `spec.ports[1]: Invalid value: "80/TCP": is the same as spec.ports[0]`},
		{`ports: [{containerPort: 80, hostPort: 8080}, {containerPort: 80}]`, "spec.ports[1]: Invalid value: \"80/TCP\": is exposed already, as it is published by spec.ports[0]"},
		{`ports: [{containerPort: 80, hostPort: 8080}, {containerPort: 81, hostPort: 8080}]`, "spec.ports[1]: Invalid value: \":8080->81/TCP\": has the same port on the engine's host as spec.ports[0]"},
		{`ports: [{containerPort: 80, hostPort: 8080, hostIP: 127.0.0.1}, {containerPort: 81, hostPort: 8080}]`, "has the same port on the engine's host"},
		{`ports: [{containerPort: 80, hostPort: 8080, hostIP: 127.0.0.1}, {containerPort: 81, hostPort: 8080, hostIP: 0.0.0.0}]`, "has the same port on the engine's host"},
		{`ports: [{containerPort: 80, hostPort: 0}, {containerPort: 80, hostPort: 0}]`, "is the same as spec.ports[0]"},

		{`networkMode: mynet`, `spec.networkMode: Unsupported value: "mynet": supported values: "bridge", "host", "none", "container:<name>". To connect the container to a network by its name, use networks`},
		{`networkMode: "container:"`, "spec.networkMode: Invalid value: \"container:\": must name a container, such as container:web"},
		{`networkMode: "container:../x"`, "must name a container"},
		{`{networkMode: host, networks: [{name: back}]}`, "spec.networkMode: Forbidden: cannot be combined with networks"},
		{`{networkMode: "container:db", hostname: a}`, "spec.hostname: Forbidden: cannot be combined with the network of another container"},
		{`{networkMode: "container:db", dns: {servers: [1.1.1.1]}}`, "spec.dns: Forbidden"},
		{`{networkMode: "container:db", extraHosts: ["a:1.1.1.1"]}`, "spec.extraHosts: Forbidden"},
		{`{networkMode: "container:db", ports: [{containerPort: 80}]}`, "spec.ports: Forbidden"},
		{`{networkMode: "container:db", publishAllPorts: true}`, "spec.publishAllPorts: Forbidden"},
		{`networks: [{name: ""}]`, "spec.networks[0].name: Required value"},
		{`networks: [{name: host}]`, "spec.networks[0].name: Invalid value: \"host\": must be the name of a network that others can be combined with: use networkMode"},
		{`networks: [{name: "container:x"}]`, "spec.networks[0].name: Invalid value"},
		{`networks: [{name: ` + strings.Repeat("a", 64) + `}]`, "must be the name of the network, not its ID"},
		{`networks: [{name: a}, {name: a}]`, "spec.networks[1].name: Duplicate value"},
		{`networks: [{name: a, aliases: ["-x"]}]`, "spec.networks[0].aliases[0]: Invalid value"},
		{`networks: [{name: a, aliases: [x, x]}]`, "spec.networks[0].aliases[1]: Duplicate value"},
		{`networks: [{name: a, ipv4Address: "::1"}]`, "spec.networks[0].ipv4Address: Invalid value: \"::1\": must be an IPv4 IP address"},
		{`networks: [{name: a, ipv6Address: 1.1.1.1}]`, "spec.networks[0].ipv6Address: Invalid value"},
		{`networks: [{name: a, macAddress: "02:42"}]`, "spec.networks[0].macAddress: Invalid value: \"02:42\": must be six bytes, such as 02:42:ac:11:00:02"},
		{`networks: [{name: bridge, aliases: [x]}]`, "spec.networks[0].aliases: Forbidden: Docker's own network bridge has none"},
		{`dns: {servers: [dns.example]}`, "spec.dns.servers[0]: Invalid value"},
		{`dns: {searches: ["a b"]}`, "spec.dns.searches[0]: Invalid value"},
		{`dns: {options: [""]}`, "spec.dns.options[0]: Invalid value"},
		{`extraHosts: ["db=10.0.0.2"]`, `spec.extraHosts[0]: Invalid value: "db=10.0.0.2": must be name:address`},

		{`mounts: [{type: nfs, target: /x}]`, `spec.mounts[0].type: Unsupported value: "nfs": supported values: "bind", "volume", "tmpfs", "image"`},
		{`mounts: [{type: tmpfs, target: ""}]`, "spec.mounts[0].target: Required value"},
		{`mounts: [{type: tmpfs, target: x}]`, "spec.mounts[0].target: Invalid value: \"x\": must be an absolute path"},
		{`mounts: [{type: tmpfs, target: /x/}]`, "spec.mounts[0].target: Invalid value: \"/x/\": must be written as /x"},
		{`mounts: [{type: tmpfs, target: /x/..}]`, "must not be the root"},
		{`mounts: [{type: tmpfs, target: /x}, {type: volume, target: /x}]`, "spec.mounts[1].target: Invalid value: \"/x\": must differ from the target of spec.mounts[0]"},
		{`mounts: [{type: volume, target: /x, bind: {propagation: shared}}]`, "spec.mounts[0].bind: Forbidden: only a mount of type bind has these options"},
		{`mounts: [{type: bind, target: /x}]`, "spec.mounts[0].source: Required value: must be an absolute path on the engine's host"},
		{`mounts: [{type: bind, target: /x, source: data}]`, "spec.mounts[0].source: Invalid value: \"data\": must be an absolute path"},
		{`mounts: [{type: bind, target: /x, source: /y, bind: {propagation: loud}}]`, "spec.mounts[0].bind.propagation: Unsupported value"},
		{`mounts: [{type: bind, target: /x, source: /y, bind: {selinux: shared}}]`, "spec.mounts[0].bind.selinux: Forbidden: needs createHostPath"},
		{`mounts: [{type: bind, target: /x, source: /y, bind: {createHostPath: true, nonRecursive: true}}]`, "spec.mounts[0].bind.nonRecursive: Forbidden"},
		{`mounts: [{type: bind, target: /x, source: "/y:z", bind: {createHostPath: true}}]`, "spec.mounts[0].bind.createHostPath: Forbidden"},
		{`mounts: [{type: volume, target: /x, source: /data}]`, "spec.mounts[0].source: Invalid value: \"/data\": must be the name of a volume: for a path on the engine's host use the type bind"},
		{`mounts: [{type: volume, target: /x, source: "../x"}]`, "spec.mounts[0].source: Invalid value"},
		{`mounts: [{type: volume, target: /x, readOnly: true}]`, "spec.mounts[0].readOnly: Forbidden: needs source"},
		{`mounts: [{type: volume, target: /x, volume: {subpath: a}}]`, "spec.mounts[0].volume.subpath: Forbidden: needs source"},
		{`mounts: [{type: volume, target: /x, source: data, volume: {subpath: ../a}}]`, "spec.mounts[0].volume.subpath: Invalid value"},
		{`mounts: [{type: volume, target: /x, source: data, volume: {driver: "a b"}}]`, "spec.mounts[0].volume.driver: Invalid value"},
		{`mounts: [{type: volume, target: /x, source: data, volume: {options: {"": b}}}]`, "spec.mounts[0].volume.options: Invalid value"},
		{`mounts: [{type: volume, target: /x, source: data, volume: {labels: {"": b}}}]`, "spec.mounts[0].volume.labels: Invalid value"},
		{`mounts: [{type: tmpfs, target: /x, source: a}]`, "spec.mounts[0].source: Forbidden: a mount of type tmpfs has none"},
		{`mounts: [{type: tmpfs, target: /x, tmpfs: {size: 1500m}}]`, "spec.mounts[0].tmpfs.size: Invalid value: \"1500m\": must be a whole number of bytes"},
		{`mounts: [{type: tmpfs, target: /x, tmpfs: {mode: 4096}}]`, "spec.mounts[0].tmpfs.mode: Invalid value"},
		{`mounts: [{type: tmpfs, target: /x, tmpfs: {mode: 0}}]`, "spec.mounts[0].tmpfs.mode: Invalid value: 0: must be between 1 and 4095, which is octal 07777: Docker takes 0 for no mode"},
		{`mounts: [{type: tmpfs, target: /x, tmpfs: {options: [ro]}}]`, "spec.mounts[0].tmpfs.options[0]: Invalid value: \"ro\": use readOnly"},
		{`mounts: [{type: tmpfs, target: /x, tmpfs: {options: ["a,b"]}}]`, "must be one mount option"},
		{`mounts: [{type: tmpfs, target: /x, tmpfs: {options: [noexec], size: 1Mi}}]`, "spec.mounts[0].tmpfs.options: Forbidden"},
		{`mounts: [{type: image, target: /x}]`, "spec.mounts[0].source: Required value: must name an image"},
		{`mounts: [{type: image, target: /x, source: busybox, image: {subpath: /a}}]`, "spec.mounts[0].image.subpath: Invalid value"},
		{`shmSize: "0"`, "spec.shmSize: Invalid value: \"0\": must be 1 or more"},

		{`resources: {cpu: 1m}`, "spec.resources.cpu: Invalid value: \"1m\": must be between 10m and"},
		{`resources: {cpu: "-1"}`, "spec.resources.cpu: Invalid value"},
		{`resources: {memory: 4Mi}`, `spec.resources.memory: Invalid value: "4Mi": must be 6Mi or more`},
		{`resources: {memory: 9E}`, "spec.resources.memory: Invalid value: \"9E\": must be less than 4Ei"},
		{`resources: {memory: 10Mi, memoryReservation: 20Mi}`, "spec.resources.memoryReservation: Invalid value: \"20Mi\": must not be more than memory, which is 10Mi"},
		{`resources: {memory: 10Mi, memorySwap: 9Mi}`, "spec.resources.memorySwap: Invalid value: \"9Mi\": must not be less than memory, which is 10Mi"},
		{`resources: {memorySwap: 9Mi}`, "spec.resources.memorySwap: Forbidden: needs memory"},
		{`resources: {memory: 10Mi, memorySwap: "0"}`, "spec.resources.memorySwap: Invalid value: \"0\": must be 1 or more, or -1 for no limit"},
		{`resources: {pids: 0}`, "spec.resources.pids: Invalid value: 0: must be 1 or more, or -1"},
		{`resources: {cpuShares: 1}`, "spec.resources.cpuShares: Invalid value: 1: must be between 2 and 262144"},
		{`resources: {cpuset: "3-1"}`, `spec.resources.cpuset: Invalid value: "3-1": must be numbers and ranges of processors, such as 0-2,7`},
		{`resources: {cpuset: "0,9000"}`, "spec.resources.cpuset"},
		{`resources: {cpuset: "all"}`, "spec.resources.cpuset"},
		{`ulimits: [{name: files, soft: 1, hard: 1}]`, "spec.ulimits[0].name: Invalid value: \"files\": must be a limit of Linux, such as nofile"},
		{`ulimits: [{name: nofile, soft: 2, hard: 1}]`, "spec.ulimits[0].soft: Invalid value: 2: must not be more than hard, which is 1"},
		{`ulimits: [{name: nofile, soft: -1, hard: 1}]`, "spec.ulimits[0].soft"},
		{`ulimits: [{name: nofile, soft: -2, hard: -1}]`, "spec.ulimits[0].soft: Invalid value: -2"},
		{`ulimits: [{name: nofile, soft: 1, hard: 1}, {name: nofile, soft: 1, hard: 1}]`, "spec.ulimits[1].name: Duplicate value"},
		{`devices: [{hostPath: ""}]`, "spec.devices[0].hostPath: Required value"},
		{`devices: [{hostPath: fuse}]`, "spec.devices[0].hostPath: Invalid value: \"fuse\": must be an absolute path"},
		{`devices: [{hostPath: /dev/fuse, containerPath: fuse}]`, "spec.devices[0].containerPath: Invalid value"},
		{`devices: [{hostPath: /dev/fuse, permissions: rx}]`, "spec.devices[0].permissions: Invalid value: \"rx\": must be some of r, w and m"},
		{`devices: [{hostPath: vendor.com/gpu=0, permissions: r}]`, "spec.devices[0]: Forbidden"},
		{`gpus: {}`, "spec.gpus.count: Required value"},
		{`gpus: {count: 1, deviceIDs: ["0"]}`, "spec.gpus.count: Forbidden: cannot be combined with deviceIDs"},
		{`gpus: {count: 0}`, "spec.gpus.count: Invalid value: 0: must be 1 or more, or -1 for all"},
		{`gpus: {deviceIDs: [""]}`, "spec.gpus.deviceIDs[0]: Required value"},
		{`gpus: {count: 1, capabilities: [""]}`, "spec.gpus.capabilities: Invalid value"},

		{`restartPolicy: {name: sometimes}`, `spec.restartPolicy.name: Unsupported value: "sometimes": supported values: "no", "always", "on-failure", "unless-stopped"`},
		{`restartPolicy: {}`, "spec.restartPolicy.name: Required value"},
		{`restartPolicy: {name: always, maximumRetryCount: 3}`, "spec.restartPolicy.maximumRetryCount: Invalid value: 3: only a policy with the name on-failure can have one"},
		{`restartPolicy: {name: on-failure, maximumRetryCount: -1}`, "spec.restartPolicy.maximumRetryCount: Invalid value: -1: must be 0 or more"},
		{`{autoRemove: true, restartPolicy: {name: always}}`, `spec.restartPolicy.name: Invalid value: "always": must be "no", because autoRemove removes the container when it ends`},
		{`healthCheck: {command: [a], shellCommand: b}`, "spec.healthCheck.shellCommand: Forbidden: cannot be combined with command"},
		{`healthCheck: {disable: true, shellCommand: b}`, "spec.healthCheck.disable: Forbidden"},
		{`healthCheck: {disable: true, retries: 1}`, "spec.healthCheck.retries: Forbidden: cannot be combined with disable"},
		{`healthCheck: {command: [CMD, a]}`, "spec.healthCheck.command[0]: Invalid value: \"CMD\": must be the program"},
		{`healthCheck: {command: [""]}`, "spec.healthCheck.command[0]: Required value"},
		{`healthCheck: {intervalSeconds: -1}`, "spec.healthCheck.intervalSeconds: Invalid value: -1: must be 1 or more"},

		{`securityContext: {capabilities: {add: ["NET ADMIN"]}}`, "spec.securityContext.capabilities.add[0]: Invalid value"},
		{`securityContext: {capabilities: {drop: [""]}}`, "spec.securityContext.capabilities.drop[0]: Invalid value"},
		{`securityContext: {groups: [""]}`, "spec.securityContext.groups[0]: Required value"},
		{`securityContext: {securityOpts: [systempaths=confined]}`, "spec.securityContext.securityOpts[0]: Invalid value: \"systempaths=confined\": must be systempaths=unconfined"},
		{`securityContext: {securityOpts: [seccomp=profile.json]}`, "spec.securityContext.securityOpts[0]: Invalid value: \"seccomp=profile.json\": must be seccomp=unconfined"},
		{`securityContext: {securityOpts: [no-new-privileges=maybe]}`, "spec.securityContext.securityOpts[0]"},
		{`sysctls: {kernel.panic: "1"}`, `spec.sysctls[kernel.panic]: Invalid value: "kernel.panic": must be a parameter that a container can have for itself`},
		{`pidMode: private`, `spec.pidMode: Unsupported value: "private": supported values: "host", "container:<name>"`},
		{`ipcMode: "container:"`, "spec.ipcMode: Invalid value"},
		{`utsMode: "container:x"`, "spec.utsMode: Unsupported value"},
		{`usernsMode: private`, "spec.usernsMode: Unsupported value"},
		{`cgroupnsMode: x`, "spec.cgroupnsMode: Unsupported value"},
		{`runtime: "a b"`, "spec.runtime: Invalid value"},
		{`logging: {driver: "a b"}`, "spec.logging.driver: Invalid value"},
		{`logging: {driver: local, options: {"": x}}`, "spec.logging.options: Invalid value"},
		{`logging: {driver: none, options: {a: b}}`, "spec.logging.options: Forbidden: cannot be combined with the driver none"},
		{`labels: {"": x}`, "spec.labels: Invalid value"},
		{`labels: {containers.rancherdesktop.io/fields: "{}"}`, "spec.labels[containers.rancherdesktop.io/fields]: Forbidden: the server sets this label by itself"},
	} {
		t.Run(test.spec, func(t *testing.T) {
			errs := ValidateContainerCreate(specOf(t, test.spec))
			if err := errs.ToAggregate(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the errors are %v, want %q", err, test.want)
			}
			if err := errs.ToAggregate(); err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("%v tells the value of a variable", err)
			}
		})
	}
}

func TestWhatDockerCanMakeIsValid(t *testing.T) {
	for _, spec := range []string{
		``, `image: "localhost:5000/a/b:v1"`, `image: "busybox@sha256:` + strings.Repeat("a", 64) + `"`, `image: "` + strings.Repeat("a", 64) + `"`,
		`{command: [""], args: [sh, -c, "exit 0"]}`, `env: [{name: "A B.c-d", value: "x=y"}, {name: EMPTY}]`,
		`workingDir: /a/../b/`, `stopSignal: int`, `stopSignal: "15"`, `stopSignal: SIGRTMIN+3`, `stopTimeoutSeconds: -1`, `stopTimeoutSeconds: 0`,
		`{hostname: web-1.example.com, domainname: a_b}`,
		`ports: [{containerPort: 80}, {containerPort: 80, protocol: UDP}, {containerPort: 443, hostPort: 0, hostIP: "::1"}]`,
		`ports: [{containerPort: 80, hostPort: 1, hostIP: 127.0.0.1}, {containerPort: 80, hostPort: 1, hostIP: 127.0.0.2}, {containerPort: 80, hostPort: 1, hostIP: "::1"}]`,
		`ports: [{containerPort: 80, hostPort: 0}, {containerPort: 81, hostPort: 0}]`,
		`networkMode: host`, `networkMode: "container:db"`,
		`networks: [{name: bridge}, {name: my net, aliases: [a_b, c.d], ipv4Address: 10.0.0.2, ipv6Address: "fd00::2", macAddress: "92:D0:C6:0A:29:33"}]`,
		`dns: {servers: ["1.1.1.1", "::1"], searches: [., example.com], options: [ndots:2]}`, `extraHosts: ["host.docker.internal:host-gateway", "six:::1"]`,
		`mounts: [{type: volume, target: /a}, {type: volume, source: data, target: /b, readOnly: true, volume: {noCopy: true, subpath: x/y, driver: local, options: {type: tmpfs}, labels: {a: b}}}]`,
		`mounts: [{type: bind, source: /, target: /host, readOnly: true, bind: {propagation: rslave}}, {type: bind, source: /x, target: /x, bind: {createHostPath: true, selinux: private}}]`,
		`mounts: [{type: tmpfs, target: /t, tmpfs: {size: 64Mi, mode: 1023}}, {type: tmpfs, target: /u, readOnly: true, tmpfs: {options: [noexec, size=64m]}}, {type: image, source: busybox, target: /i}]`,
		`shmSize: 128Mi`, `resources: {cpu: 1.5, memory: 6Mi, memorySwap: "-1", memoryReservation: 6Mi, pids: -1, cpuShares: 1024, cpuset: "0-2,7"}`,
		`resources: {memory: 10Mi, memorySwap: 10Mi}`, `ulimits: [{name: nofile, soft: 1, hard: -1}, {name: core, soft: 0, hard: 0}]`,
		`devices: [{hostPath: /dev/fuse, permissions: rw}, {hostPath: vendor.com/gpu=all}]`, `gpus: {count: -1}`, `gpus: {deviceIDs: ["0", GPU-1], capabilities: [compute], driver: nvidia}`,
		`restartPolicy: {name: on-failure, maximumRetryCount: 3}`, `{autoRemove: true, restartPolicy: {name: "no"}}`,
		`healthCheck: {shellCommand: "true", intervalSeconds: 1, timeoutSeconds: 1, startPeriodSeconds: 1, retries: 1}`, `healthCheck: {disable: true}`, `healthCheck: {retries: 2}`,
		`securityContext: {privileged: true, capabilities: {add: [net_admin, CAP_SYS_PTRACE], drop: [ALL]}, groups: ["0"], securityOpts: [no-new-privileges, "label=disable", seccomp=unconfined, 'seccomp={"a":1}', apparmor=x]}`,
		`sysctls: {net.core.somaxconn: "1", kernel.sem: "1 2 3 4"}`, `{pidMode: host, ipcMode: "container:db", utsMode: host, usernsMode: host, cgroupnsMode: private, runtime: io.containerd.runc.v2}`,
		`logging: {driver: json-file, options: {max-size: 10m}}`, `labels: {"no valid/label/key": x}`,
	} {
		t.Run(spec, func(t *testing.T) {
			container := specOf(t, spec)
			if errs := ValidateContainerCreate(container); len(errs) > 0 {
				t.Errorf("refused: %v", errs.ToAggregate())
			}
			SetContainerDefaults(&container.Spec)
			if errs := ValidateContainerCreate(container); len(errs) > 0 {
				t.Errorf("refused with its defaults: %v", errs.ToAggregate())
			}
		})
	}
}

func TestANewContainerHasOnlyMetadataThatDockerCanKeep(t *testing.T) {
	for _, test := range []struct{ container, want string }{
		{`metadata: {name: x}`, "metadata.name: Invalid value: \"x\": must have two characters or more"},
		{`metadata: {name: a/b}`, "metadata.name: Invalid value"},
		{`metadata: {annotations: {a: b}}`, "metadata.annotations: Forbidden: cannot be set: Docker cannot store annotations of a container"},
		{`metadata: {finalizers: [a/b]}`, "metadata.finalizers: Forbidden"},
		{`metadata: {ownerReferences: [{name: x}]}`, "metadata.ownerReferences: Forbidden"},
		{`metadata: {annotations: {containers.rancherdesktop.io/action: start}}`, "metadata.annotations[containers.rancherdesktop.io/action]: Forbidden: only a container that exists can be acted on"},
		{`metadata: {labels: {containers.rancherdesktop.io/fields: x}}`, "metadata.labels[containers.rancherdesktop.io/fields]: Forbidden"},
		{`{metadata: {labels: {a: b}}, spec: {labels: {a: c}}}`, `spec.labels[a]: Invalid value: "c": must be "b" as in metadata.labels, or be left out here`},
		{`{metadata: {name: My_Web.1-x, labels: {a: b}, annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}}, spec: {labels: {a: b}}}`, ""},
		{`metadata: {generateName: web-}`, ""},
	} {
		t.Run(test.container, func(t *testing.T) {
			container := &v1alpha1.Container{}
			if err := yaml.UnmarshalStrict([]byte(test.container), container); err != nil {
				t.Fatal(err)
			}
			container.Spec.Image = "busybox"
			err := ValidateContainerCreate(container).ToAggregate()
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("the errors are %v, want %q", err, test.want)
			}
		})
	}
}

func TestNoWithoutQuotesIsExplained(t *testing.T) {
	err := yaml.UnmarshalStrict([]byte(`restartPolicy: {name: no}`), &v1alpha1.ContainerSpec{})
	if err == nil || !strings.Contains(err.Error(), `write "no" with its quotes, because YAML reads no as false`) {
		t.Errorf("the error is %v", err)
	}
}
