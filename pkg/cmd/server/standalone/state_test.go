// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

func writeKubeconfig(t *testing.T, state *State) {
	t.Helper()
	client := Client{Server: "https://127.0.0.1:1", CA: []byte("ca"), Token: "token", Namespace: "engine"}
	if err := client.WriteKubeconfig(state.Kubeconfig()); err != nil {
		t.Fatal(err)
	}
}

func TestNobodyElseCanReadTheState(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // a file there inherits who may read it from the user's profile
	}
	dir := filepath.Join(t.TempDir(), "new", "state")
	state, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	ensure(t, state.Certificates())
	if _, err := state.Token(); err != nil {
		t.Fatal(err)
	}
	writeKubeconfig(t, state)
	err = filepath.Walk(filepath.Dir(dir), func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheTokenStays(t *testing.T) {
	state := openState(t)
	first, err := state.Token()
	if err != nil || len(first) < 32 {
		t.Fatalf("the token is %q: %v", first, err)
	}
	if again, err := state.Token(); err != nil || again != first {
		t.Errorf("the token is %q: %v", again, err)
	}
	if err := os.Truncate(state.path("token"), 3); err != nil {
		t.Fatal(err)
	}
	if again, err := state.Token(); err != nil || len(again) < 32 || again == first {
		t.Errorf("a broken token became %q: %v", again, err)
	}
}

func TestAStateDirectoryHasOneServer(t *testing.T) {
	dir := t.TempDir()
	first, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := Open(dir); err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "--state-dir") {
		t.Errorf("the second one got %v: %v", second, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Open(dir)
	if err != nil {
		t.Fatal("the directory was not given back: ", err)
	}
	second.Close()
}

func TestAnUnusableStateDirectoryIsNamedWithTheWayOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, privateFile); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "--state-dir") {
		t.Error(err)
	}
}

func TestTheStateIsWhereTheUserKeepsState(t *testing.T) {
	t.Setenv("HOME", filepath.FromSlash("/home/me"))
	t.Setenv("USERPROFILE", filepath.FromSlash("/home/me"))
	state := filepath.Join(t.TempDir(), "state")
	for env, want := range map[string]string{
		state:      filepath.Join(state, "engine-apiserver"),
		"":         filepath.FromSlash("/home/me/.local/state/engine-apiserver"),
		"relative": filepath.FromSlash("/home/me/.local/state/engine-apiserver"),
	} {
		t.Setenv("XDG_STATE_HOME", env)
		if got, err := DefaultDir(); err != nil || got != want {
			t.Errorf("%q: %q %v, want %q", env, got, err, want)
		}
	}
}

func TestTheKubeconfigHasAllThatKubectlNeeds(t *testing.T) {
	state := openState(t)
	writeKubeconfig(t, state)
	writeKubeconfig(t, state) // it replaces its own
	config, err := clientcmd.LoadFromFile(state.Kubeconfig())
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
