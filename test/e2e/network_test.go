// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/network"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

func TestNetworksShowWhoIsConnected(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		back, web := engine.UniqueName("Shop_Back"), engine.UniqueName("web")
		id := docker.Network(t, back, map[string]string{"team": back, "not a label": "!"})
		lines := k.Follow(t, "get", "net", back, "-w", "-o", "wide")
		kubectl.AwaitLine(t, lines, back, "bridge", "local", id[:12], "<none>")
		container := docker.Run(t, web, engine.OnNetwork(back))
		kubectl.AwaitLine(t, lines, back, web)

		subnet := k.OK(t, "get", "net", back, "-o", "jsonpath={.status.subnets[0]}")
		kubectl.Contains(t, k.OK(t, "get", "networks", "-o", "wide"), back, "host", "none", id[:12], subnet, web)
		kubectl.Contains(t, k.OK(t, "get", "net", back, "-o", "jsonpath={.spec.ipam.config[0].subnet} {.status.containers[0].id} {.spec.labels} {.metadata.labels.team}"),
			subnet, container, "not a label", back)
		kubectl.Contains(t, k.OK(t, "describe", "net", back), "Driver:", "bridge", "Subnet:", subnet, "Containers:", web)
		for _, asked := range []string{id, id[:12]} {
			kubectl.Contains(t, k.OK(t, "get", "net", asked, "-o", "jsonpath={.metadata.name} {.status.name}"), asked+" "+back)
		}
		kubectl.Contains(t, k.OK(t, "get", "net", "-l", "team="+back, "-o", "name"), "network.containers.rancherdesktop.io/"+back)
		kubectl.Contains(t, k.OK(t, "get", "net", "--field-selector", "status.id="+id, "-o", "name"), back)
		kubectl.Contains(t, k.OK(t, "get", "net", "--field-selector", "status.driver=host", "-o", "name"), "/host")
		kubectl.Contains(t, k.OK(t, "explain", "net.status.containers"), "ipv4Address", "container's MAC address on the network")

		if err := docker.Client().NetworkDisconnect(t.Context(), back, web, false); err != nil {
			t.Fatal(err)
		}
		kubectl.AwaitLine(t, lines, back, subnet, "<none>")
		if err := docker.Client().NetworkRemove(t.Context(), back); err != nil {
			t.Fatal(err)
		}
		k.Fails(t, []string{"NotFound"}, "get", "net", back)
	})
}

func TestDeletingANetworkIsDockersAnswer(t *testing.T) {
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		used, free, web := engine.UniqueName("used"), engine.UniqueName("free"), engine.UniqueName("web")
		docker.Network(t, used, nil)
		id := docker.Network(t, free, nil)
		docker.Run(t, web, engine.OnNetwork(used))
		k.Fails(t, []string{"Conflict", "active endpoints", "used by: " + web}, "delete", "net", used)
		k.Fails(t, []string{"Conflict", web}, "delete", "net", used, "--force", "--grace-period=0")
		k.Fails(t, []string{"Forbidden", "pre-defined network"}, "delete", "net", "host")
		k.Fails(t, []string{"NotFound"}, "delete", "net", engine.UniqueName("missing"))
		k.OK(t, "delete", "net", free, "--dry-run=server")
		kubectl.Contains(t, k.OK(t, "delete", "net", free), "deleted")
		if _, err := docker.Client().NetworkInspect(t.Context(), id, network.InspectOptions{}); !cerrdefs.IsNotFound(err) {
			t.Errorf("Docker still has the network: %v", err)
		}
	})
}

func TestACollectionOfNetworksLeavesOutThoseOfTheEngine(t *testing.T) {
	k := anyKubectl(t)
	names := []string{engine.UniqueName("a"), engine.UniqueName("z")}
	for _, name := range names {
		docker.Network(t, name, nil)
	}
	k.OK(t, "delete", "--raw", "/apis/containers.rancherdesktop.io/v1alpha1/namespaces/"+testserver.Namespace+"/networks")
	for _, name := range names {
		k.Fails(t, []string{"NotFound"}, "get", "net", name)
	}
	kubectl.Contains(t, k.OK(t, "get", "net"), "host", "none")
}
