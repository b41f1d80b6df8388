// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package plugin_test runs the kubectl plugin, as kubectl engine, against the real server of a real Docker Engine.
package plugin_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

var (
	docker *engine.Engine
	server *testserver.Server
)

func TestMain(m *testing.M) {
	os.Exit(engine.Main(testserver.Serving{Tests: m, Engine: &docker, Server: &server, Prepare: kubectl.InstallPlugin}, &docker))
}

// result is what a command printed, and its exit code.
type result struct {
	stdout, stderr string
	code           int
}

// run runs kubectl engine.
func run(t *testing.T, arguments ...string) result {
	t.Helper()
	return runWith(t, server.Kubeconfig, arguments...)
}

// command returns a command that runs kubectl. Its kubeconfig is in the environment, because kubectl keeps the flags in front
// of a plugin's name for itself.
func command(t *testing.T, k kubectl.Kubectl, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(t.Context(), k.Program, arguments...)
	command.Env = append(os.Environ(), "HOME="+os.TempDir(), "KUBECONFIG="+k.Kubeconfig)
	return command
}

// runWith runs kubectl engine with a kubeconfig.
func runWith(t *testing.T, kubeconfig string, arguments ...string) result {
	t.Helper()
	command := command(t, kubectl.Any(t, kubeconfig), append([]string{"engine"}, arguments...)...)
	stdout, stderr, err := kubectl.Capture(command)
	if command.ProcessState == nil {
		t.Fatal(err)
	}
	return result{stdout, stderr, command.ProcessState.ExitCode()}
}

// ok runs kubectl engine, which must succeed without a word to standard error, and returns its output.
func ok(t *testing.T, arguments ...string) string {
	t.Helper()
	r := run(t, arguments...)
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("%q: %+v", arguments, r)
	}
	return r.stdout
}

// fails runs kubectl engine, which must print nothing but one line of error with all of the words, and exit with 1.
func fails(t *testing.T, words []string, arguments ...string) {
	t.Helper()
	r := run(t, arguments...)
	if r.code != 1 || r.stdout != "" || strings.Count(r.stderr, "\n") != 1 || !strings.HasPrefix(r.stderr, "error: ") {
		t.Errorf("%q: %+v", arguments, r)
	}
	kubectl.Contains(t, r.stderr, words...)
}

// dockerStatus returns the status of a container as Docker reports it.
func dockerStatus(t *testing.T, id string) string {
	t.Helper()
	inspected, err := docker.Client().ContainerInspect(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return inspected.State.Status
}
