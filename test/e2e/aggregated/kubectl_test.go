// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

func TestKubectlWorksThroughTheAggregator(t *testing.T) {
	serve(t)
	kubectl.Each(t, cluster.Admin(), func(t *testing.T, k kubectl.Kubectl) {
		volume := engine.UniqueName("data")
		docker.Volume(t, volume, nil)
		network := engine.UniqueName("back")
		docker.Network(t, network, nil)
		lines := k.Follow(t, "get", "ctr", "-n", namespace, "-w")
		name, id := run(t, "web")
		kubectl.AwaitLine(t, lines, name, "running")

		kubectl.Contains(t, k.OK(t, "get", "containers,images,volumes,networks,engines", "-n", namespace),
			"container.containers.rancherdesktop.io/"+name, "image.containers.rancherdesktop.io/busybox:latest",
			"volume.containers.rancherdesktop.io/"+volume, "network.containers.rancherdesktop.io/"+network, "engine.containers.rancherdesktop.io/moby")
		kubectl.Contains(t, k.OK(t, "get", "ctr", name, "-n", namespace, "-o", "wide"), "COMMAND", "PID", "HEALTH", id[:12])
		kubectl.Contains(t, k.OK(t, "get", "ctr", "-A"), "NAMESPACE", namespace, name)
		kubectl.Contains(t, k.OK(t, "get", "ctr", id[:12], "-n", namespace), id[:12])
		kubectl.Contains(t, k.OK(t, "explain", "ctr.status.ports"), "bindings")
		kubectl.Contains(t, k.OK(t, "describe", "ctr", name, "-n", namespace), "Running")
		k.OK(t, "wait", "engine/moby", "-n", namespace, "--for=condition=ContainerEngineReady", "--timeout=60s")

		k.OK(t, "patch", "ctr", name, "-n", namespace, "--type=merge", "-p", `{"spec":{"state":"paused"}}`)
		kubectl.AwaitLine(t, lines, name, "paused")
		manifest := fmt.Sprintf("apiVersion: containers.rancherdesktop.io/v1alpha1\nkind: Container\nmetadata: {name: %s, namespace: %s}\nspec: {state: running}\n", name, namespace)
		k.Apply(t, manifest)
		kubectl.AwaitLine(t, lines, name, "running")
		kubectl.Contains(t, k.Apply(t, manifest), "unchanged")
		kubectl.Contains(t, k.Apply(t, manifest, "--server-side"), "serverside-applied")
		kubectl.Contains(t, k.OK(t, "delete", "ctr", name, "-n", namespace, "--dry-run=server"), "dry run")
		kubectl.Contains(t, k.OK(t, "delete", "ctr", name, "-n", namespace, "--grace-period=1"), "deleted")
		k.Fails(t, []string{"NotFound"}, "get", "ctr", name, "-n", namespace)
		k.OK(t, "delete", "vol", volume, "-n", namespace)
		k.OK(t, "delete", "net", network, "-n", namespace)
		kubectl.Contains(t, k.OK(t, "auth", "can-i", "delete", "images.containers.rancherdesktop.io", "-n", namespace), "yes")
	})
}

func TestThePrioritiesOfTheClusterRuleTheServersRequests(t *testing.T) {
	s := serve(t)
	k := kubectl.Any(t, cluster.Admin())
	k.OK(t, "create", "clusterrole", "metrics", "--verb=get", "--non-resource-url=/metrics")
	k.OK(t, "create", "serviceaccount", "prometheus", "-n", "default")
	k.OK(t, "create", "clusterrolebinding", "metrics", "--clusterrole=metrics", "--serviceaccount=default:prometheus")
	t.Cleanup(func() {
		k.OK(t, "delete", "clusterrole/metrics", "clusterrolebinding/metrics")
		k.OK(t, "delete", "serviceaccount", "prometheus", "-n", "default")
	})
	token := strings.TrimSpace(k.OK(t, "create", "token", "prometheus", "-n", "default"))
	k.OK(t, "get", "ctr", "-n", namespace)
	kubectl.Eventually(t, "the metrics show a flow schema of the cluster", func() bool {
		return strings.Contains(s.body(t, "/metrics", token), `apiserver_flowcontrol_dispatched_requests_total{flow_schema="exempt"`)
	})
}
