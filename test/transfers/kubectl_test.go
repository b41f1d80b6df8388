// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package transfers

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/registry"
)

func TestKubectlCreatesAPullWaitsForItsEndAndShowsIt(t *testing.T) {
	kubectl.Each(t, server.Kubeconfig, func(t *testing.T, k kubectl.Kubectl) {
		r := registry.Start(t)
		r.Push(t, "team/tool:v1", large)
		t.Cleanup(func() { removeImage(t, r.Ref("team/tool:v1")) })
		file := filepath.Join(t.TempDir(), "pull.yaml")
		manifest := fmt.Sprintf(`apiVersion: containers.rancherdesktop.io/v1alpha1
kind: ImagePullRequest
metadata:
  name: by-kubectl
spec:
  repoTag: %s
`, r.Ref("team/tool:v1"))
		if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
			t.Fatal(err)
		}
		k.OK(t, "create", "-f", file)
		k.OK(t, "wait", "--for=condition=Finished", "--timeout=1m", "pull/by-kubectl")
		shown := k.OK(t, "get", "pull", "by-kubectl")
		if !regexp.MustCompile(`(?s)^NAME +IMAGE +STATUS +PROGRESS +AGE\nby-kubectl +` + regexp.QuoteMeta(r.Ref("team/tool:v1")) + ` +Complete +1\.\d+MB/1\.\d+MB +\d+s\n$`).MatchString(shown) {
			t.Errorf("kubectl get shows %s", shown)
		}
		kubectl.Contains(t, k.OK(t, "describe", "pull", "by-kubectl"), "Digest:", "Complete", "Finished")
		k.OK(t, "delete", "-f", file)
		k.Fails(t, []string{"spec.policy", "Always", "IfNotPresent"}, "create", "-f", write(t, manifest+"  policy: Never\n"))
		k.Fails(t, []string{"unknown field"}, "create", "-f", write(t, manifest+"  tag: v1\n"))
	})
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pull.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
