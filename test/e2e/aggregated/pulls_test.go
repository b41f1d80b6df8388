// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/image"

	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/registry"
)

// grantPulls lets a user create pulls, and get one Secret.
func grantPulls(t *testing.T, admin kubectl.Kubectl, user, secret string) {
	t.Helper()
	grantRules(t, admin, user, fmt.Sprintf(`[{apiGroups: [containers.rancherdesktop.io], resources: [imagepullrequests, imagepullrequests/log], verbs: [create, get, list, watch, delete]}, `+
		`{apiGroups: [""], resources: [secrets], resourceNames: [%s], verbs: [get]}]`, secret))
}

func TestWhoMayCreatePullsButNotGetASecretCannotUseIt(t *testing.T) {
	serve(t, "--engine-access=full")
	someone := registry.User{Name: "someone", Password: "hunter2"}
	r := registry.Start(t, someone)
	r.Push(t, "team/tool:v1", 1000)
	ref := r.Ref("team/tool:v1")
	t.Cleanup(func() {
		docker.Client().ImageRemove(context.WithoutCancel(t.Context()), ref, image.RemoveOptions{})
	})
	admin := kubectl.Any(t, cluster.Admin())
	grantPulls(t, admin, "puller", "registry")
	grantPulls(t, admin, "stranger", "another")
	admin.OK(t, "create", "secret", "docker-registry", "registry", "-n", namespace,
		"--docker-server="+r.Address(), "--docker-username="+someone.Name, "--docker-password="+someone.Password)
	t.Cleanup(func() { admin.OK(t, "delete", "secret", "registry", "-n", namespace) })

	const manifest = `{"apiVersion":"containers.rancherdesktop.io/v1alpha1","kind":"ImagePullRequest","metadata":{"name":%q,"namespace":"rancher-desktop"},"spec":{"repoTag":%q,"pullSecrets":[%s]}}`
	file := func(name, secrets string) string {
		path := filepath.Join(t.TempDir(), "pull.json")
		if err := os.WriteFile(path, fmt.Appendf(nil, manifest, name, ref, secrets), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// Without --validate=false some versions of kubectl need the right to list custom resource definitions.
	puller, stranger := kubectl.Any(t, user(t, "puller")), kubectl.Any(t, user(t, "stranger"))
	kubectl.Eventually(t, "the roles reach the users", succeeds(stranger, "get", "pull", "-n", namespace))
	kubectl.Eventually(t, "the roles reach the users", succeeds(puller, "get", "secret", "registry", "-n", namespace))
	stranger.Fails(t, []string{"Forbidden", `user "stranger" may not get it`}, "create", "--validate=false", "-f", file("strange", `"registry"`))
	nobody := kubectl.Any(t, user(t, "nobody"))
	nobody.Fails(t, []string{"Forbidden", "imagepullrequests"}, "create", "--validate=false", "-f", file("none", ""))

	puller.OK(t, "create", "--validate=false", "-f", file("with-secret", `"registry"`))
	puller.OK(t, "wait", "-n", namespace, "pull/with-secret", "--for=condition=Complete", "--timeout=1m")
	stranger.OK(t, "create", "--validate=false", "-f", file("without", ""))
	stranger.OK(t, "wait", "-n", namespace, "pull/without", "--for=condition=Finished", "--timeout=1m")
	if reason := stranger.OK(t, "get", "-n", namespace, "pull/without", "-o", `jsonpath={.status.conditions[?(@.type=="Failed")].reason}`); reason != "Unauthorized" {
		t.Errorf("a pull without credentials failed for the reason %q", reason)
	}
	if log := puller.OK(t, "get", "--raw", strings.Replace(containers, "/containers/", "/imagepullrequests/", 1)+"with-secret/log?follow=true"); !strings.Contains(log, "Pulling from team/tool") {
		t.Errorf("the log is %s", log)
	}
}
