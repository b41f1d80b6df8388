// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/google/go-cmp/cmp"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// sameAsDockers are the arguments of docker create whose containers are compared. MADE_NETWORK and MADE_VOLUME are there.
var sameAsDockers = []string{
	"busybox",
	"-it -h box --domainname example.com busybox sh",
	"-e A=1 -e B=two -u 1000:1000 -w /srv -l tier=front -l com.example/team=web --init --stop-signal SIGINT --stop-timeout 30 busybox sleep 1",
	"--entrypoint /bin/echo busybox hello",
	"-p 127.0.0.1:18080:80 -p 18081:81/udp -p 82 -P --expose 90 busybox",
	"--network host busybox",
	"--network none busybox",
	"--network MADE_NETWORK --network-alias db busybox",
	"--dns 1.1.1.1 --dns-search example.com --dns-option ndots:2 --add-host db:10.0.0.2 busybox",
	"-v MADE_VOLUME:/data -v MADE_VOLUME:/logs:ro -v /tmp:/host:ro busybox",
	"--mount type=bind,src=/tmp,dst=/tmp --mount type=tmpfs,dst=/run,tmpfs-size=64m --tmpfs /cache:noexec,size=1m --shm-size 128m busybox",
	"-m 64m --memory-reservation 32m --cpus 0.5 --cpu-shares 512 --cpuset-cpus 0 --pids-limit 100 --ulimit nofile=1024:2048 busybox",
	"-m 64m --memory-swap -1 --device /dev/null:/dev/nothing:r busybox",
	"--restart on-failure:3 busybox",
	"--rm busybox",
	"--health-cmd true --health-interval 30s --health-timeout 5s --health-retries 2 --health-start-period 1m busybox",
	"--no-healthcheck busybox",
	"--privileged busybox",
	"--read-only --cap-add NET_ADMIN --cap-drop ALL --group-add 1001 --security-opt no-new-privileges busybox",
	"--sysctl net.ipv4.ip_forward=1 --pid host --ipc private --uts host --cgroupns host busybox",
	"--log-driver json-file --log-opt max-size=10m --log-opt max-file=3 busybox",
}

// made is what docker inspect says about how a container was made.
type made struct {
	Config     *container.Config
	HostConfig *container.HostConfig
	Aliases    map[string][]string
}

// howMade returns how a container was made, without what differs between two containers that were made in the same way.
func howMade(t *testing.T, name string) made {
	t.Helper()
	inspected := docker.Inspect(t, name)
	if inspected == nil {
		t.Fatalf("there is no container %s", name)
	}
	config, aliases := inspected.Config, map[string][]string{}
	if strings.HasPrefix(inspected.ID, config.Hostname) {
		config.Hostname = ""
	}
	// Only the docker command says that it will attach itself.
	config.AttachStdin, config.AttachStdout, config.AttachStderr, config.StdinOnce = false, false, false, false
	delete(config.Labels, v1alpha1.FieldsLabel)
	inspected.HostConfig.ConsoleSize = [2]uint{}
	slices.Sort(inspected.HostConfig.Binds)
	slices.Sort(config.Env) // the docker command sends them in any order
	for network, endpoint := range inspected.NetworkSettings.Networks {
		aliases[network] = slices.DeleteFunc(endpoint.Aliases, func(alias string) bool { return strings.HasPrefix(inspected.ID, alias) })
	}
	return made{config, inspected.HostConfig, aliases}
}

// asText returns how a container was made without the difference between a list that is empty and one that is not there.
func (m made) asText(t *testing.T) string {
	t.Helper()
	text, err := json.MarshalIndent(m, "", " ")
	must(t, err)
	return strings.NewReplacer(": []", ": null", ": {}", ": null").Replace(string(text))
}

func TestCreateMakesTheSameContainerAsDocker(t *testing.T) {
	network := engine.UniqueName("net")
	docker.Network(t, network, nil)
	volume := engine.UniqueName("volume")
	docker.Volume(t, volume, nil)
	for _, line := range sameAsDockers {
		arguments := strings.Fields(strings.NewReplacer("MADE_NETWORK", network, "MADE_VOLUME", volume).Replace(line))
		theirs, ours, applied := newName(t), newName(t), newName(t)
		output, err := exec.CommandContext(t.Context(), "docker", append([]string{"-H", docker.Host(), "create", "--name", theirs}, arguments...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("docker create %s: %v: %s", line, err, output)
		}
		ok(t, append([]string{"create", "--name", ours}, arguments...)...)
		manifest := ok(t, append([]string{"create", "--dry-run=client", "-o", "yaml", "--name", applied}, arguments...)...)
		kubectl.Any(t, server.Kubeconfig).Apply(t, manifest)

		want := howMade(t, theirs).asText(t)
		for name, how := range map[string]string{ours: "created", applied: "applied"} {
			if difference := cmp.Diff(want, howMade(t, name).asText(t)); difference != "" {
				t.Errorf("%s, %s (-docker +here):\n%s", line, how, difference)
			}
		}
	}
}
