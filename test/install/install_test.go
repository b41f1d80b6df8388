// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/client"
	"github.com/google/go-cmp/cmp"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

const (
	systemUnit = "/usr/lib/systemd/system/engine-apiserver.service"
	userUnit   = "/usr/lib/systemd/user/engine-apiserver.service"
	freePort   = "ENGINE_APISERVER_FLAGS=--secure-port=0\n"
)

func TestTheServiceOfTheSystemShowsContainers(t *testing.T) {
	const dynamicUser = 61184
	s := newService(t, installed, systemUnit, dynamicUser, "")
	s.configure(t, freePort)
	state := s.makeStateDirectory(t)
	stop := s.start(t)
	showsContainers(t, installed.path(state+"/kubeconfig"))
	stop()
}

func TestTheServiceOfAUserShowsContainers(t *testing.T) {
	const user = 1000
	s := newService(t, installed, userUnit, user, "/home/user")
	s.makeDirectory(t, s.home)
	s.configure(t, freePort)
	stop := s.start(t)
	showsContainers(t, installed.path("/home/user/.local/state/engine-apiserver/kubeconfig"))
	stop()
}

// showsContainers checks that kubectl, and the installed plugin, show the containers of the engine.
func showsContainers(t *testing.T, kubeconfig string) {
	t.Helper()
	info, err := os.Stat(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode(); mode != 0o600 {
		t.Errorf("%s has the mode %s", kubeconfig, mode)
	}
	name := engine.UniqueName("installed")
	docker.Run(t, name)
	k := kubectl.Any(t, kubeconfig)
	kubectl.Contains(t, k.OK(t, "get", "containers"), name, "running")

	ps := exec.CommandContext(t.Context(), k.Program, "engine", "ps")
	ps.Env = append(os.Environ(), "HOME="+t.TempDir(), "KUBECONFIG="+kubeconfig, "PATH="+installed.path("/usr/bin")+":"+os.Getenv("PATH"))
	stdout, stderr, err := kubectl.Capture(ps)
	if err != nil {
		t.Fatalf("kubectl engine ps: %v\n%s", err, stderr)
	}
	kubectl.Contains(t, stdout, name)
}

func TestSystemdTakesTheUnits(t *testing.T) {
	analyze := systemdAnalyze(t)
	for file, arguments := range map[string][]string{systemUnit: nil, userUnit: {"--user"}} {
		// Commands of units and manual pages are looked for in the root of this machine.
		text, err := os.ReadFile(installed.path(file))
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(t.TempDir(), filepath.Base(file))
		text = []byte(strings.ReplaceAll(string(text), "/usr/bin/", installed.path("/usr/bin/")+"/"))
		if err := os.WriteFile(copied, text, 0o644); err != nil {
			t.Fatal(err)
		}
		command := exec.CommandContext(t.Context(), analyze, append(arguments, "--man=no", "--recursive-errors=no", "verify", copied)...)
		command.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir())
		output, err := command.CombinedOutput()
		if err != nil || strings.Contains(string(output), copied) {
			t.Errorf("%s: %v\n%s", file, err, output)
		}
	}
}

// systemdAnalyze returns the path of systemd-analyze, and installs it if it is missing.
func systemdAnalyze(t *testing.T) string {
	t.Helper()
	const name = "systemd-analyze"
	if found, err := exec.LookPath(name); err == nil {
		return found
	}
	if output, err := exec.CommandContext(t.Context(), filepath.Join("..", "..", "hack", "apt-install.sh"), "systemd").CombinedOutput(); err != nil {
		t.Fatalf("installing systemd: %v\n%s", err, output)
	}
	found, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAPackageThatIsPurgedLeavesNothing(t *testing.T) {
	r, err := newRoot(filepath.Join(t.TempDir(), "root"))
	if err != nil {
		t.Fatal(err)
	}
	before := files(t, r)
	if err := r.install(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/usr/bin/engine-apiserver", "/usr/bin/kubectl-engine", "/usr/bin/kubectl_complete-engine", systemUnit, userUnit,
		"/etc/default/engine-apiserver", "/usr/share/man/man1/engine-apiserver-serve.1.gz", "/usr/share/man/man1/kubectl-engine-run.1.gz",
		"/usr/share/bash-completion/completions/engine-apiserver", "/usr/share/doc/engine-apiserver/copyright"} {
		if _, err := os.Stat(r.path(name)); err != nil {
			t.Error(err)
		}
	}
	if err := os.MkdirAll(r.path("/var/lib/private/engine-apiserver/key"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := r.dpkg("--purge", "engine-apiserver"); err != nil {
		t.Fatal(err)
	}
	if after := files(t, r); !slices.Equal(after, before) {
		t.Errorf("before: %q\nafter: %q", before, after)
	}
}

// files returns the files of a root, without those in which dpkg keeps its own state.
func files(t *testing.T, r root) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(string(r), func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (path == r.path("/var/lib/dpkg") || path == r.path("/var/log")) {
			return filepath.SkipDir
		}
		if err == nil && !entry.IsDir() {
			all = append(all, strings.TrimPrefix(path, string(r)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheImageRunsInAnEngine(t *testing.T) {
	archive, err := find("*_oci.tar")
	if err != nil {
		t.Fatal(err)
	}
	command := func(arguments ...string) string {
		command := exec.CommandContext(t.Context(), "docker", arguments...)
		command.Env = append(os.Environ(), client.EnvOverrideHost+"="+docker.Host(), "DOCKER_CONFIG="+t.TempDir())
		stdout, stderr, err := kubectl.Capture(command)
		if err != nil {
			t.Fatalf("docker %q: %v\n%s", arguments, err, stderr)
		}
		return stdout
	}
	_, loaded, found := strings.Cut(strings.TrimSpace(command("load", "--quiet", "--input", archive)), "Loaded image: ")
	if !found {
		t.Fatalf("docker load has printed %q", loaded)
	}
	defer command("rmi", loaded)
	kubectl.Contains(t, command("run", "--rm", "--network", "none", loaded, "version"), "engine-apiserver "+version+" ")
}

func TestASecondBuildHasTheSameBytes(t *testing.T) {
	second, err := build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var sums []string
	for _, directory := range []string{dist, second} {
		text, err := os.ReadFile(filepath.Join(directory, "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, string(text))
	}
	if diff := cmp.Diff(sums[0], sums[1]); diff != "" {
		t.Error(diff)
	}
}

func TestTheChecksumsAreThoseOfAllFiles(t *testing.T) {
	check := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = dist
	output, err := check.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	entries, err := os.ReadDir(dist)
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(output), ": OK\n"); lines != len(entries)-1 {
		t.Errorf("%d of %d files have a checksum", lines, len(entries)-1)
	}
}
