// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

const containers = "/apis/containers.rancherdesktop.io/v1alpha1/namespaces/" + namespace + "/containers/"

func TestViewersReadLogsAndOnlyEditorsSendSignals(t *testing.T) {
	s := serve(t)
	k := kubectl.Any(t, cluster.Admin())
	name := engine.UniqueName("rights")
	docker.Run(t, name, engine.Command("sh", "-c", "echo one; sleep 123456"))
	k.Apply(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: rancher-desktop}\n")
	for _, role := range []string{"view", "edit"} {
		account, binding := "log-"+role, "log-"+role
		k.Apply(t, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: "+account+", namespace: default}\n")
		k.OK(t, "create", "rolebinding", binding, "--clusterrole="+role, "--serviceaccount=default:"+account, "-n", namespace)
		t.Cleanup(func() { k.OK(t, "delete", "rolebinding", binding, "-n", namespace) })
		token := strings.TrimSpace(k.OK(t, "create", "token", account, "-n", "default"))

		kubectl.Eventually(t, "the role reaches the user", func() bool { return s.request(t, containers+name, token) == http.StatusOK })
		if log := s.body(t, containers+name+"/log", token); log != "one\n" {
			t.Errorf("the log is %q", log)
		}
		if code := s.request(t, containers+name+"/top", token); code != http.StatusOK {
			t.Errorf("top: %d", code)
		}
		// The request has no upgrade: a user without the right gets no further than to 403.
		if code := s.request(t, "/passthrough/engine/logs/"+name, token); code != http.StatusBadRequest {
			t.Errorf("the log for desktop clients: %d", code)
		}
		want := map[string]string{"view": "no\n", "edit": "yes\n"}[role]
		if can, _, _ := k.Try(t, "auth", "can-i", "create", "containers.containers.rancherdesktop.io", "--subresource=kill", "-n", namespace, "--as", "system:serviceaccount:default:"+account); can != want {
			t.Errorf("a user with the role %s can send signals: %s", role, can)
		}
	}
	k.Apply(t, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: nobody, namespace: default}\n")
	token := strings.TrimSpace(k.OK(t, "create", "token", "nobody", "-n", "default"))
	for _, path := range []string{containers + name + "/log", containers + name + "/top", "/passthrough/engine/logs/" + name} {
		if code := s.request(t, path, token); code != http.StatusForbidden {
			t.Errorf("%s as a user without rights: %d", path, code)
		}
	}
}
