// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package embedded_test

import (
	"regexp"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/controlplane"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

const (
	apiService = "apiservice/v1alpha1.containers.rancherdesktop.io"
	available  = `jsonpath={.status.conditions[?(@.type=="Available")].status}`
)

// This control plane has no Services, and no controller that sets the Available condition of an APIService. So the server sets
// the condition.
func TestAServerElsewhereSaysItselfThatItIsAvailable(t *testing.T) {
	plane, err := controlplane.StartEmbedded("--engine=false")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	k := kubectl.Any(t, plane.Admin())
	k.Fails(t, []string{"NotFound"}, "get", apiService)

	dir := t.TempDir()
	process := testserver.StartProcess(t, "serve", "--aggregated", "--kubeconfig", plane.Admin(),
		"--docker-host", docker.Host(), "--secure-port", "0", "--state-dir", dir)
	process.Await(t, " behind the control plane at ")
	address := regexp.MustCompile(`at https://127\.0\.0\.1:(\d+) behind`).FindStringSubmatch(process.Output())
	if address == nil {
		t.Fatalf("the server does not print its address:\n%s", process.Output())
	}
	register := func(args ...string) string {
		t.Helper()
		args = append([]string{"register", "--kubeconfig", plane.Admin(), "--state-dir", dir, "--address", "localhost:" + address[1]}, args...)
		stdout, stderr, err := kubectl.Capture(testserver.Command(args...))
		if err != nil {
			t.Fatalf("register: %v\n%s%s\n%s", err, stdout, stderr, process.Output())
		}
		return stdout
	}
	kubectl.Contains(t, register("--timeout", "120s"), "is available")
	kubectl.Contains(t, k.OK(t, "get", apiService, "-o", available), "True")

	name := engine.UniqueName("elsewhere")
	id := docker.Run(t, name)
	kubectl.Contains(t, k.OK(t, "get", "ctr,ns", "-A"), name, "namespace/kube-system")
	k.OK(t, "delete", "ctr", name, "-n", namespace, "--grace-period=0", "--force")
	if _, err := docker.Client().ContainerInspect(t.Context(), id); err == nil {
		t.Error("Docker still has the container")
	}

	process.Terminate(t)
	k.OK(t, "get", "namespaces")
	register("--delete")
	k.Fails(t, []string{"NotFound"}, "get", apiService)
}
