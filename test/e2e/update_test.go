// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// forever is the part of a spec with which a container runs until it is told to stop.
const forever = "command: [sh, -c, \"trap 'exit 0' TERM; while :; do sleep 3600 & wait; done\"]\n"

// inspect returns what Docker says about a container, which must be there.
func inspect(t *testing.T, name string) *container.InspectResponse {
	t.Helper()
	inspected := docker.Inspect(t, name)
	if inspected == nil {
		t.Fatalf("there is no container %s", name)
	}
	return inspected
}

// networksOf returns the names of the networks that a container is on, sorted.
func networksOf(t *testing.T, name string) string {
	t.Helper()
	return strings.Join(slices.Sorted(maps.Keys(inspect(t, name).NetworkSettings.Networks)), " ")
}

func patch(t *testing.T, k kubectl.Kubectl, name, body string, args ...string) string {
	t.Helper()
	return k.OK(t, append([]string{"patch", "ctr", name, "--type=merge", "-p", body}, args...)...)
}

func TestLimitsAndTheRestartPolicyAreChangedWhileAContainerRuns(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		name := engine.UniqueName("limited")
		docker.RemoveAfter(t, name)
		k.Apply(t, newContainer(name, forever+"networkMode: none\nresources: {memory: 64Mi}\n"))
		id := inspect(t, name).ID
		out := patch(t, k, name, `{"spec":{"resources":{"memory":"128Mi","cpu":"500m","pids":50,"cpuShares":512},"restartPolicy":{"name":"on-failure","maximumRetryCount":3}}}`,
			"-o", "jsonpath={.spec.resources.memory} {.spec.resources.cpu} {.spec.resources.pids} {.spec.restartPolicy.name}")
		if out != "128Mi 500m 50 on-failure" {
			t.Errorf("the answer is %q", out)
		}
		now := inspect(t, name)
		r := now.HostConfig.Resources
		if now.ID != id || !now.State.Running || r.Memory != 128<<20 || r.MemorySwap != 256<<20 && r.MemorySwap != -1 || r.NanoCPUs != 5e8 || *r.PidsLimit != 50 || r.CPUShares != 512 ||
			now.HostConfig.RestartPolicy.MaximumRetryCount != 3 {
			t.Errorf("Docker says %+v", now.HostConfig)
		}
		patch(t, k, name, `{"spec":{"resources":{"pids":null},"restartPolicy":null}}`)
		if now := inspect(t, name); now.HostConfig.PidsLimit != nil && *now.HostConfig.PidsLimit > 0 || now.HostConfig.RestartPolicy.Name != "no" {
			t.Errorf("Docker says %+v", now.HostConfig)
		}
		k.Fails(t, []string{"spec.resources.memory", "cannot take this limit back", "spec.resources.cpuShares", "1024"},
			"patch", "ctr", name, "--type=merge", "-p", `{"spec":{"resources":{"memory":null,"cpuShares":null}}}`)
		k.Fails(t, []string{"spec.resources.memory", "must be 6Mi or more"}, "patch", "ctr", name, "--type=merge", "-p", `{"spec":{"resources":{"memory":"1Mi"}}}`)
		k.Fails(t, []string{"spec.resources.cpuset", "999"}, "patch", "ctr", name, "--type=merge", "-p", `{"spec":{"resources":{"cpuset":"999"}}}`)
		if _, err := docker.Client().ContainerUpdate(t.Context(), name, container.UpdateConfig{Resources: container.Resources{CPUShares: 256}}); err != nil {
			t.Fatal(err)
		}
		if out := k.OK(t, "get", "ctr", name, "-o", "jsonpath={.spec.resources.cpuShares}"); out != "256" {
			t.Errorf("after docker update the object says %q", out)
		}
	})
}

func TestLimitsThatAreAppliedLaterAreNoChangeTheSecondTime(t *testing.T) {
	k := anyKubectl(t)
	name := engine.UniqueName("limited")
	docker.RemoveAfter(t, name)
	file := filepath.Join(t.TempDir(), "container.yaml")
	for _, limits := range []string{"", "resources: {}\n", "resources: {memory: 64Mi, memorySwap: 128Mi, pids: -1}\n", "resources: {memory: 96Mi, memorySwap: 192Mi}\n", "resources: {memory: 96Mi, memorySwap: -1}\n",
		"resources: {memory: 128Mi, memorySwap: -1, pids: 7}\n", "resources: {memory: 128Mi}\n"} {
		write(t, file, newContainer(name, forever+"networkMode: none\n"+limits))
		k.OK(t, "apply", "-f", file)
		if out, _, err := k.Try(t, "diff", "-f", file); err != nil || out != "" {
			t.Errorf("%s: kubectl diff: %v\n%s", limits, err, out)
		}
		// kubectl says that it is configured, because it does not see what Docker does not show.
		version := k.OK(t, "get", "ctr", name, "-o", "jsonpath={.metadata.resourceVersion}")
		k.OK(t, "apply", "-f", file)
		if now := k.OK(t, "get", "ctr", name, "-o", "jsonpath={.metadata.resourceVersion}"); now != version {
			t.Errorf("%s: the second apply took version %s to %s", limits, version, now)
		}
	}
}

func TestADryRunOfAnUpdateCallsNothing(t *testing.T) {
	k := anyKubectl(t)
	network, name := engine.UniqueName("dry"), engine.UniqueName("dry")
	docker.Network(t, network, nil)
	docker.RemoveAfter(t, name)
	k.Apply(t, newContainer(name, forever+"networks: [{name: "+network+"}]\n"))
	before := inspect(t, name)
	out := patch(t, k, name, `{"spec":{"state":"created","resources":{"memory":"128Mi"},"restartPolicy":{"name":"always"},"networks":[]}}`, "--dry-run=server",
		"-o", "jsonpath={.spec.state} {.spec.resources.memory}")
	after := inspect(t, name)
	if out != "created 128Mi" || after.HostConfig.Memory != before.HostConfig.Memory || !after.State.Running || networksOf(t, name) != network ||
		after.HostConfig.RestartPolicy != before.HostConfig.RestartPolicy {
		t.Errorf("the answer is %q, and Docker says %+v", out, after.HostConfig)
	}
}

func TestEveryOtherFieldIsImmutableWithACauseOfItsOwn(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		name := engine.UniqueName("fixed")
		docker.RemoveAfter(t, name)
		spec := forever + "networkMode: none\nenv: [{name: A, value: x}]\n"
		k.Apply(t, newContainer(name, spec))
		id := inspect(t, name).ID
		k.Fails(t, []string{"spec.env: Invalid value: field is immutable: A has another value", "spec.user: Invalid value", "field is immutable", "spec.mounts: Invalid value"},
			"patch", "ctr", name, "--type=merge", "-p", `{"spec":{"env":[{"name":"A","value":"y"}],"user":"1","mounts":[{"type":"tmpfs","target":"/t"}]}}`)
		if now := inspect(t, name); now.ID != id || now.Config.User != "" {
			t.Errorf("Docker says %+v", now.Config)
		}
		file := filepath.Join(t.TempDir(), "container.yaml")
		write(t, file, newContainer(name, spec+"user: \"1\"\n"))
		k.Fails(t, []string{"spec.user", "field is immutable"}, "apply", "-f", file)
		k.OK(t, "apply", "--force", "--timeout=60s", "-f", file)
		replaced := inspect(t, name)
		if replaced.ID == id || replaced.Config.User != "1" || !replaced.State.Running {
			t.Errorf("after apply --force Docker says %+v", replaced.Config)
		}
		write(t, file, newContainer(name, spec+"user: \"2\"\n"))
		k.OK(t, "replace", "--force", "-f", file)
		if now := inspect(t, name); now.ID == replaced.ID || now.Config.User != "2" {
			t.Errorf("after replace --force Docker says %+v", now.Config)
		}
	})
}

func TestNetworksAreChangedWhileAContainerRuns(t *testing.T) {
	k := anyKubectl(t)
	front, back, side := engine.UniqueName("a-front"), engine.UniqueName("b-back"), engine.UniqueName("c-side")
	for _, network := range []string{front, back, side} {
		docker.Network(t, network, nil)
	}
	name := engine.UniqueName("connected")
	docker.RemoveAfter(t, name)
	file := filepath.Join(t.TempDir(), "container.yaml")
	manifest := newContainer(name, forever+"networks: [{name: "+front+", aliases: [web]}]\n")
	write(t, file, manifest)
	k.OK(t, "apply", "-f", file)
	// kubectl patches lists by their keys: the other network stays.
	k.OK(t, "patch", "ctr", name, "-p", `{"spec":{"networks":[{"name":"`+back+`"}]}}`)
	if got := networksOf(t, name); got != front+" "+back {
		t.Errorf("after the strategic merge patch the container is on %q", got)
	}
	k.OK(t, "apply", "-f", file)
	if got := networksOf(t, name); got != front+" "+back {
		t.Errorf("after an apply without the other network the container is on %q", got)
	}
	out := patch(t, k, name, `{"spec":{"networks":[{"name":"`+back+`"},{"name":"`+side+`","aliases":["db"]}]}}`, "-o", "jsonpath={.spec.networks[*].name}")
	if got := networksOf(t, name); got != back+" "+side || out != got {
		t.Errorf("after the merge patch the container is on %q, and the answer says %q", got, out)
	}
	if got := inspect(t, name); !got.State.Running || !slices.Contains(got.NetworkSettings.Networks[side].Aliases, "db") {
		t.Errorf("Docker says %+v", got.NetworkSettings.Networks[side])
	}
	patch(t, k, name, `{"spec":{"networks":[{"name":"`+back+`"},{"name":"`+side+`","aliases":["db2"]}]}}`)
	if got := inspect(t, name).NetworkSettings.Networks[side].Aliases; !slices.Contains(got, "db2") || slices.Contains(got, "db") {
		t.Errorf("after a change of the alias Docker says %q", got)
	}
	k.Fails(t, []string{"spec.networks[0].name", "none-such"}, "patch", "ctr", name, "--type=merge", "-p", `{"spec":{"networks":[{"name":"none-such"}]}}`)
	if got := networksOf(t, name); got != back+" "+side {
		t.Errorf("a refused patch leaves the container on %q", got)
	}
	// One request with several changes: what is started has the other changes from its beginning.
	patch(t, k, name, `{"spec":{"state":"created"}}`)
	patch(t, k, name, `{"spec":{"state":"running","networks":[{"name":"`+front+`"}],"resources":{"pids":77}}}`)
	if got := inspect(t, name); !got.State.Running || networksOf(t, name) != front || *got.HostConfig.PidsLimit != 77 {
		t.Errorf("Docker says %+v", got.HostConfig)
	}
	if err := docker.Client().NetworkConnect(t.Context(), side, name, nil); err != nil {
		t.Fatal(err)
	}
	if out := k.OK(t, "get", "ctr", name, "-o", "jsonpath={.spec.networks[*].name}"); out != front+" "+side {
		t.Errorf("after docker network connect the object says %q", out)
	}
	k.OK(t, "apply", "--server-side", "--force-conflicts", "-f", file)
	patch(t, k, name, `{"spec":{"networks":null}}`)
	if got := networksOf(t, name); got != "" {
		t.Errorf("without networks the container is on %q", got)
	}
}

func TestTheValuesOfVariablesCanBeHidden(t *testing.T) {
	hidden := testserver.Start(t, docker.Host(), "--show-environment=false")
	const secret = "hunter2"
	k := kubectl.Any(t, hidden.Kubeconfig)
	name := engine.UniqueName("hidden")
	docker.RemoveAfter(t, name)
	file := filepath.Join(t.TempDir(), "container.yaml")
	write(t, file, newContainer(name, forever+"networkMode: none\nenv: [{name: PASSWORD, value: "+secret+"}, {name: B, value: b}]\n"))
	said := []string{k.OK(t, "create", "-f", file, "--dry-run=server", "-o", "yaml")}
	for _, way := range []string{"--server-side=false", "--server-side=true"} {
		said = append(said, k.OK(t, "apply", way, "-f", file, "-o", "yaml"))
		before := k.OK(t, "get", "ctr", name, "-o", "jsonpath={.metadata.resourceVersion}")
		said = append(said, k.OK(t, "apply", way, "-f", file, "-o", "yaml"))
		if after := k.OK(t, "get", "ctr", name, "-o", "jsonpath={.metadata.resourceVersion}"); after != before {
			t.Errorf("an apply %s with the same values took version %s to %s", way, before, after)
		}
	}
	if out, _, err := k.Try(t, "diff", "-f", file); err != nil || out != "" {
		t.Errorf("kubectl diff: %v\n%s", err, out)
	}
	said = append(said, k.OK(t, "get", "ctr", name, "-o", "yaml"), k.OK(t, "get", "ctr", "-o", "yaml"), k.OK(t, "get", "ctr", "-o", "wide"),
		k.OK(t, "describe", "ctr", name), k.OK(t, "get", "ctr", name, "-o", "yaml", "--show-managed-fields"), patch(t, k, name, `{"spec":{"state":"paused"}}`, "-o", "yaml"))
	_, refusal, err := k.Try(t, "patch", "ctr", name, "-p", `{"spec":{"env":[{"name":"PASSWORD","value":"guess"}]}}`)
	if err == nil {
		t.Error("a variable was changed")
	}
	kubectl.Contains(t, refusal, "spec.env", "PASSWORD has another value")
	for _, text := range append(said, refusal) {
		if strings.Contains(text, secret) {
			t.Errorf("a value is told:\n%s", text)
		}
	}
	if out := k.OK(t, "get", "ctr", name, "-o", "jsonpath={.spec.env[*].name}"); out != "PASSWORD B" {
		t.Errorf("the variables are %q", out)
	}
	if got := inspect(t, name).Config.Env; !slices.Contains(got, "PASSWORD="+secret) {
		t.Errorf("Docker has %q", got)
	}
}
