// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated_test

import (
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"

	"github.com/rancher-sandbox/engine-apiserver/test/controlplane"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

func TestDeletingTheNamespaceLeavesTheEngineAsItIsUnlessThatIsAllowed(t *testing.T) {
	s := serve(t)
	k := kubectl.Any(t, cluster.Admin())
	name, id := run(t, "kept")
	data := engine.UniqueName("kept")
	docker.Volume(t, data, nil)
	k.OK(t, "get", "namespace", namespace)
	k.OK(t, "delete", "namespace", namespace, "--wait=false")
	kubectl.Eventually(t, "the namespace says why it is not deleted", func() bool {
		out, _, _ := k.Try(t, "get", "namespace", namespace, "-o", `jsonpath={.status.conditions[?(@.type=="NamespaceDeletionContentFailure")].message}`)
		return strings.Contains(out, "--allow-namespace-deletion")
	})
	if found, err := docker.Client().ContainerInspect(t.Context(), id); err != nil || !found.State.Running {
		t.Fatalf("the container: %v", err)
	}
	if _, err := docker.Client().VolumeInspect(t.Context(), data); err != nil {
		t.Fatal(err)
	}
	if _, err := docker.Client().ImageInspect(t.Context(), engine.Busybox); err != nil {
		t.Fatal(err)
	}
	// A user may still delete an object by its name, but not a collection.
	k.OK(t, "delete", "vol", data, "-n", namespace)
	k.Fails(t, []string{"Forbidden", "--allow-namespace-deletion"}, "delete", "--raw",
		"/apis/containers.rancherdesktop.io/v1alpha1/namespaces/"+namespace+"/containers")

	// When the server ends, it deletes its APIService. Then nothing blocks the deletion of the namespace, and the deletion
	// cannot reach the engine.
	s.Terminate(t)
	kubectl.Eventually(t, "the namespace is deleted", namespaceGone(k, namespace))
	if _, err := docker.Client().ContainerInspect(t.Context(), id); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	k.OK(t, "create", "namespace", namespace)
	s.start(t)
}

func TestDeletingTheNamespaceEmptiesTheEngineWhereThatIsAllowed(t *testing.T) {
	serve(t, "--allow-namespace-deletion")
	k := kubectl.Any(t, cluster.Admin())
	run(t, "deleted")
	docker.Volume(t, engine.UniqueName("deleted"), nil)
	docker.Network(t, engine.UniqueName("deleted"), nil)
	k.OK(t, "get", "namespace", namespace)
	k.OK(t, "delete", "namespace", namespace, "--wait=false")
	kubectl.Eventually(t, "the namespace is deleted", namespaceGone(k, namespace))
	containers, err := docker.Client().ContainerList(t.Context(), container.ListOptions{All: true})
	if err != nil || len(containers) > 0 {
		t.Errorf("Docker still has %d containers: %v", len(containers), err)
	}
	images, err := docker.Client().ImageList(t.Context(), image.ListOptions{All: true})
	if err != nil || len(images) > 0 {
		t.Errorf("Docker still has %d images: %v", len(images), err)
	}
	volumes, err := docker.Client().VolumeList(t.Context(), volume.ListOptions{})
	if err != nil || len(volumes.Volumes) > 0 {
		t.Errorf("Docker still has %d volumes: %v", len(volumes.Volumes), err)
	}
	networks, err := docker.Client().NetworkList(t.Context(), network.ListOptions{Filters: filters.NewArgs(filters.Arg("type", "custom"))})
	if err != nil || len(networks) > 0 {
		t.Errorf("Docker still has %d networks that it does not need: %v", len(networks), err)
	}
	if err := docker.ImportBusybox(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.OK(t, "create", "namespace", namespace)
}

// restWorks checks that the rest of the cluster works while the server or its engine does not answer.
func restWorks(t *testing.T, k kubectl.Kubectl) {
	t.Helper()
	elsewhere := engine.UniqueName("elsewhere")
	k.OK(t, "get", "pods", "-A")
	k.OK(t, "create", "namespace", elsewhere)
	k.OK(t, "create", "configmap", "made", "-n", elsewhere)
	kubectl.Contains(t, k.OK(t, "get", "configmaps", "-n", elsewhere), "made")
	k.OK(t, "explain", "pods.spec")
	k.OK(t, "delete", "configmap", "made", "-n", elsewhere)
	kubectl.Contains(t, k.OK(t, "api-versions"), "apps/v1")
	k.OK(t, "delete", "namespace", elsewhere, "--wait=false")
}

func TestAServerThatEndsTakesNothingElseAway(t *testing.T) {
	s := serve(t)
	k := kubectl.Any(t, cluster.Admin())
	s.Terminate(t)
	k.Fails(t, nil, "get", "ctr", "-n", namespace)
	k.Fails(t, []string{"NotFound"}, "get", apiService)
	restWorks(t, k)
	elsewhere := engine.UniqueName("elsewhere")
	k.OK(t, "create", "namespace", elsewhere)
	k.OK(t, "delete", "namespace", elsewhere, "--wait=false")
	kubectl.Eventually(t, "another namespace is deleted while the server is not running", namespaceGone(k, elsewhere))

	s.start(t)
	kubectl.Eventually(t, "the engine is shown again", succeeds(k, "get", "ctr", "-n", namespace))
	k.OK(t, "wait", apiService, "--for=condition=Available", "--timeout=60s")
}

func TestAServerThatIsKilledTakesNothingElseAwayButNamespaceDeletion(t *testing.T) {
	s := serve(t)
	k := kubectl.Any(t, cluster.Admin())
	lines := k.Follow(t, "get", "ctr", "-n", namespace, "-w", "--output-watch-events")
	first, _ := run(t, "before")
	kubectl.AwaitLine(t, lines, first, "running")
	follower := follow(t)

	s.Kill()
	during, _ := run(t, "during")
	restWorks(t, k)
	elsewhere := engine.UniqueName("elsewhere")
	k.OK(t, "create", "namespace", elsewhere)
	k.OK(t, "delete", "namespace", elsewhere, "--wait=false")

	s.start(t)
	kubectl.Eventually(t, "the engine is shown again", succeeds(k, "get", "ctr", during, "-n", namespace))
	kubectl.Eventually(t, "the other namespace is deleted once the server is back", namespaceGone(k, elsewhere))
	after, _ := run(t, "after")
	follower.awaitAll(t, first, during, after)
	follower.equalsDocker(t)
}

func TestDockerDownTakesNothingElseAway(t *testing.T) {
	serve(t)
	k := kubectl.Any(t, cluster.Admin())
	if err := docker.Terminate(); err != nil {
		t.Fatal(err)
	}
	restore := func() {
		if err := docker.Restart(); err != nil {
			t.Error(err)
		}
	}
	defer func() { restore() }()
	k.OK(t, "wait", "engine/moby", "-n", namespace, "--for=condition=ContainerEngineReady=False", "--timeout=60s")
	k.OK(t, "wait", apiService, "--for=condition=Available", "--timeout=60s")
	k.Fails(t, []string{"container engine"}, "get", "ctr", "-n", namespace)
	restWorks(t, k)
	elsewhere := engine.UniqueName("elsewhere")
	k.OK(t, "create", "namespace", elsewhere)
	k.OK(t, "delete", "namespace", elsewhere, "--wait=false")
	kubectl.Eventually(t, "another namespace is deleted while Docker is down", namespaceGone(k, elsewhere))
	restore()
	restore = func() {}
	k.OK(t, "wait", "engine/moby", "-n", namespace, "--for=condition=ContainerEngineReady", "--timeout=60s")
	kubectl.Eventually(t, "containers are shown again", succeeds(k, "get", "ctr", "-n", namespace))
}

func TestAServerWaitsForAControlPlaneThatComesLate(t *testing.T) {
	late, err := controlplane.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := late.Stop(); err != nil {
			t.Error(err)
		}
	}()
	dir, port := t.TempDir(), testserver.FreePort(t, "127.0.0.1")
	process := testserver.StartProcess(t, "serve", "--aggregated", "--kubeconfig", late.Admin(),
		"--docker-host", docker.Host(), "--secure-port", port, "--state-dir", dir)
	process.Await(t, "waiting for the control plane at "+late.URL())
	if err := late.StartAPIServer(); err != nil {
		t.Fatal(err)
	}
	process.Await(t, "engine-apiserver serves")
	command := testserver.Command("register", "--kubeconfig", late.Admin(), "--state-dir", dir, "--address", "localhost:"+port, "--timeout", "120s")
	if stdout, stderr, err := kubectl.Capture(command); err != nil {
		t.Fatalf("register: %v\n%s%s", err, stdout, stderr)
	}
	kubectl.Contains(t, kubectl.Any(t, late.Admin()).OK(t, "get", "img", "-n", namespace), "busybox:latest")
	process.Terminate(t)
}
