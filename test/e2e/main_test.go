// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package e2e drives the real server over a real Docker Engine with kubectl, as its users do.
package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

var (
	docker *engine.Engine
	server *testserver.Server
)

func TestMain(m *testing.M) { os.Exit(engine.Main(serving{m}, &docker)) }

// serving runs the tests with the engine and a server for it.
type serving struct{ *testing.M }

func (s serving) Run() int {
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		return failed(err)
	}
	defer os.RemoveAll(dir)
	if server, err = testserver.Run(dir, docker.Host()); err != nil {
		return failed(err)
	}
	code := s.M.Run()
	if err := server.Stop(); err != nil {
		return failed(err)
	}
	return code
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// kubectl is a kubectl program of some version.
type kubectl struct{ program string }

// kubectls are the kubectl of this server's Kubernetes version and the installed one, or what there is of them.
func kubectls(t *testing.T) map[string]kubectl {
	t.Helper()
	found := map[string]kubectl{}
	if built := os.Getenv("KUBECTL"); built != "" {
		found["built"] = kubectl{built}
	}
	if installed, err := exec.LookPath("kubectl"); err == nil {
		found["installed"] = kubectl{installed}
	}
	if len(found) == 0 {
		t.Fatal("there is no kubectl: name one in $KUBECTL, as make test does")
	}
	return found
}

func withEachKubectl(t *testing.T, run func(t *testing.T, k kubectl)) {
	for name, k := range kubectls(t) {
		t.Run(name, func(t *testing.T) { run(t, k) })
	}
}

func anyKubectl(t *testing.T) kubectl {
	t.Helper()
	for _, k := range kubectls(t) {
		return k
	}
	panic("kubectls returned none")
}

func (k kubectl) command(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, k.program, append([]string{"--kubeconfig", server.Kubeconfig}, args...)...)
	command.Env = append(os.Environ(), "HOME="+os.TempDir(), "KUBE_EDITOR=")
	return command
}

// try runs kubectl and returns what it printed.
func (k kubectl) try(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return capture(k.command(t.Context(), args...))
}

func capture(command *exec.Cmd) (string, string, error) {
	var out, errOut bytes.Buffer
	command.Stdout, command.Stderr = &out, &errOut
	err := command.Run()
	return out.String(), errOut.String(), err
}

// ok runs kubectl, which must succeed, and returns what it printed.
func (k kubectl) ok(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, err := k.try(t, args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s%s", strings.Join(args, " "), err, stdout, stderr)
	}
	return stdout
}

// fails runs kubectl, which must fail and say each of the words.
func (k kubectl) fails(t *testing.T, words []string, args ...string) {
	t.Helper()
	stdout, stderr, err := k.try(t, args...)
	if err == nil {
		t.Fatalf("kubectl %s succeeded: %s%s", strings.Join(args, " "), stdout, stderr)
	}
	contains(t, stderr, words...)
}

func contains(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is missing in:\n%s", word, text)
		}
	}
}

// eventually waits for a condition that nothing but time brings about.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatalf("it never came about that %s", what)
}
