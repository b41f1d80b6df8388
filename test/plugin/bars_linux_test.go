// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/registry"
)

// held starts a pull in a terminal of this width, and waits until its layer is held back half way.
func held(t *testing.T, columns uint16) (screen *terminal, pull *exec.Cmd, gate *registry.Gate, tag string) {
	t.Helper()
	r := registry.Start(t)
	r.Push(t, "team/tool:v1", large)
	front := r.Front(t)
	gate = registry.NewGate(large / 2)
	front.Misbehave(registry.Blobs, gate.Hold)
	screen = openTerminal(t)
	if err := unix.IoctlSetWinsize(int(screen.program.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: columns}); err != nil {
		t.Fatal(err)
	}
	tag = front.Ref("team/tool:v1")
	pull = command(t, kubectl.Any(t, server.Kubeconfig), "engine", "pull", tag)
	pull.Stdin, pull.Stdout, pull.Stderr = screen.program, screen.program, screen.program
	pull.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // so that ctrl-C in the terminal is a signal to it
	if err := pull.Start(); err != nil {
		t.Fatal(err)
	}
	<-gate.Held()
	return screen, pull, gate, tag
}

func TestPullShowsABarForEachLayerOnATerminal(t *testing.T) {
	screen, pull, gate, tag := held(t, 150)
	screen.shows(t, ": Downloading [")
	gate.Release()
	kubectl.Contains(t, screen.shows(t, "Status: Downloaded newer image for "+tag), ": Pull complete")
	if err := pull.Wait(); err != nil {
		t.Error(err)
	}
	untag(t, tag)
}

func TestCtrlCCancelsAPull(t *testing.T) {
	screen, pull, gate, tag := held(t, 80)
	screen.shows(t, ": Downloading ")
	screen.types(t, "\x03")
	screen.shows(t, "interrupted: the pull is cancelled")
	_ = pull.Wait()
	if code := pull.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d", code)
	}
	stdout, _, err := kubectl.Capture(command(t, kubectl.Any(t, server.Kubeconfig), "get", "imagepullrequests",
		"-o", `jsonpath={.items[?(@.spec.repoTag=="`+tag+`")].metadata.name}`))
	if err != nil || stdout != "" {
		t.Errorf("%q is still there: %v", stdout, err)
	}
	gate.Release()
	if hasImage(t, tag) {
		t.Error("the engine has the image")
	}
}
