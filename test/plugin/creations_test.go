// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"regexp"
	"strings"
	"testing"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/network"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

func TestVolumeCreatePrintsTheNameAsDockerDoes(t *testing.T) {
	name := engine.UniqueName("My_Vol")
	arguments := []string{"volume", "create", "-o", "type=tmpfs", "--opt", "device=tmpfs", "-l", "app=shop", "--label", "not/a/label=x", name}
	for range 2 { // as with docker, the volume that is there is taken for the new one
		if got := ok(t, arguments...); got != name+"\n" {
			t.Errorf("%q", got)
		}
	}
	v, err := docker.Client().VolumeInspect(t.Context(), name)
	if err != nil || v.Driver != "local" || len(v.Options) != 2 || v.Options["type"] != "tmpfs" || len(v.Labels) != 2 || v.Labels["app"] != "shop" || v.Labels["not/a/label"] != "x" {
		t.Errorf("%+v, %v", v, err)
	}
	fails(t, []string{"cannot create " + name, "another driver, other options or other labels"}, "volume", "create", name)
	fails(t, []string{"cannot create .hidden", "metadata.name"}, "volume", "create", ".hidden")
	fails(t, []string{"one volume", "given 2"}, "volume", "create", "a", "b")
	ok(t, "volume", "rm", name)
}

func TestVolumeCreateMakesUpANameAsDockerDoes(t *testing.T) {
	name := strings.TrimSuffix(ok(t, "volume", "create"), "\n")
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(name) {
		t.Fatalf("%q", name)
	}
	if got := ok(t, "volume", "ls", "-q", "-f", "label=com.docker.volume.anonymous", "-f", "name="+name); got != name+"\n" {
		t.Errorf("%q", got)
	}
	ok(t, "volume", "rm", name)
}

func TestNetworkCreatePrintsTheIDAsDockerDoes(t *testing.T) {
	name := engine.UniqueName("My_Net")
	id := strings.TrimSuffix(ok(t, "network", "create", "--internal", "--attachable", "--subnet", "10.230.0.0/16", "--ip-range", "10.230.1.0/24",
		"--gateway", "10.230.0.9", "-o", "com.docker.network.driver.mtu=1400", "-l", "app=shop", "--label", "not/a/label=x", name), "\n")
	n, err := docker.Client().NetworkInspect(t.Context(), name, network.InspectOptions{})
	if err != nil || n.ID != id || !n.Internal || !n.Attachable || n.Options["com.docker.network.driver.mtu"] != "1400" || len(n.Labels) != 2 ||
		len(n.IPAM.Config) != 1 || n.IPAM.Config[0].IPRange != "10.230.1.0/24" || n.IPAM.Config[0].Gateway != "10.230.0.9" {
		t.Errorf("%q: %+v, %v", id, n, err)
	}
	fails(t, []string{"cannot create " + name, "already exists"}, "network", "create", name)
	fails(t, []string{"no matching subnet for gateway 10.0.0.1"}, "network", "create", "--subnet", "10.231.0.0/16", "--gateway", "10.0.0.1", "refused")
	fails(t, []string{"one network", "given 0"}, "network", "create")
	ok(t, "network", "rm", id[:20])
}

func TestNetworkRmRemovesOnlyNetworksThatNoContainerIsConnectedTo(t *testing.T) {
	free, used := engine.UniqueName("free"), engine.UniqueName("used")
	id := docker.Network(t, free, nil)
	docker.Network(t, used, nil)
	docker.Run(t, engine.UniqueName("user"), engine.OnNetwork(used))
	checkCompletion(t, kubectl.Any(t, server.Kubeconfig), "network rm", free[:4], free)
	r := run(t, "network", "rm", free, used, "absent")
	if r.code != 1 || r.stdout != free+"\n" || strings.Count(r.stderr, "\n") != 2 {
		t.Errorf("%+v", r)
	}
	kubectl.Contains(t, r.stderr, "cannot remove "+used+": ", "active endpoints", "no such network: absent\n")
	if _, err := docker.Client().NetworkInspect(t.Context(), id, network.InspectOptions{}); !cerrdefs.IsNotFound(err) {
		t.Errorf("the network is still there: %v", err)
	}
	if r := run(t, "network", "rm", "-f", free); r != (result{stdout: free + "\n"}) {
		t.Errorf("%+v", r)
	}
	fails(t, []string{"host"}, "network", "rm", "host")
}

func TestNetworkPruneRemovesOnlyWhatItsFiltersChoose(t *testing.T) {
	free, used, kept := engine.UniqueName("free"), engine.UniqueName("used"), engine.UniqueName("kept")
	docker.Network(t, free, map[string]string{"prune": "yes"})
	docker.Network(t, used, map[string]string{"prune": "yes"})
	docker.Network(t, kept, nil)
	docker.Run(t, engine.UniqueName("user"), engine.OnNetwork(used))
	if got := ok(t, "network", "prune", "-f", "--filter", "label=absent"); got != "" {
		t.Errorf("%q", got)
	}
	if got := ok(t, "network", "prune", "-f", "--filter", "label=prune=yes"); got != "Deleted Networks:\n"+free+"\n" {
		t.Errorf("%q", got)
	}
	for _, name := range []string{used, kept} {
		if _, err := docker.Client().NetworkInspect(t.Context(), name, network.InspectOptions{}); err != nil {
			t.Error(err)
		}
	}
}
