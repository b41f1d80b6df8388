// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

func writeKubeconfig(t *testing.T, path string) {
	t.Helper()
	client := Client{Server: "https://127.0.0.1:1", CA: []byte("ca"), Token: "token", Namespace: "engine"}
	if err := client.WriteKubeconfig(path); err != nil {
		t.Fatal(err)
	}
}

func TestTheKubeconfigHasAllThatKubectlNeeds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", KubeconfigName)
	writeKubeconfig(t, path)
	writeKubeconfig(t, path) // it replaces its own file
	config, err := clientcmd.LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	context := config.Contexts[config.CurrentContext]
	cluster, user := config.Clusters[context.Cluster], config.AuthInfos[context.AuthInfo]
	if context.Namespace != "engine" || cluster.Server != "https://127.0.0.1:1" || string(cluster.CertificateAuthorityData) != "ca" || user.Token != "token" {
		t.Errorf("context %+v, cluster %+v, user %+v", context, cluster, user)
	}
}

func TestAFileOfTheUsersIsNotReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	for content, want := range map[string]string{
		"apiVersion: v1\nkind: Config\ncontexts: [{name: production, context: {cluster: a}}]\n": `"production"`,
		"not: [a kubeconfig": "not a kubeconfig",
	} {
		if err := os.WriteFile(path, []byte(content), privateFile); err != nil {
			t.Fatal(err)
		}
		err := Client{}.WriteKubeconfig(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--write-kubeconfig") {
			t.Errorf("%q: %v", content, err)
		}
		if kept, err := os.ReadFile(path); err != nil || string(kept) != content {
			t.Errorf("%q became %q: %v", content, kept, err)
		}
	}
}
