// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// runWithInput runs kubectl engine with this standard input.
func runWithInput(t *testing.T, input string, arguments ...string) result {
	t.Helper()
	command := command(t, kubectl.Any(t, server.Kubeconfig), append([]string{"engine"}, arguments...)...)
	command.Stdin = strings.NewReader(input)
	stdout, stderr, err := kubectl.Capture(command)
	if command.ProcessState == nil {
		t.Fatal(err)
	}
	return result{stdout, stderr, command.ProcessState.ExitCode()}
}

func TestExecHasTheStreamsAndTheExitCodeOfTheCommand(t *testing.T) {
	name := engine.UniqueName("exec")
	docker.Run(t, name)
	input := strings.Repeat("0123456789\n", 1<<16)
	t.Setenv("OF_THE_USER", "x y")
	for line, test := range map[string]struct {
		arguments []string
		input     string
		want      result
	}{
		"both outputs": {[]string{name, "sh", "-c", "echo out; echo err >&2; exit 7"}, "", result{"out\n", "err\n", 7}},
		"input":        {[]string{"-i", name, "cat"}, input, result{stdout: input}},
		"no input":     {[]string{name, "cat"}, input, result{}},
		"where":        {[]string{"-w", "/bin", name, "pwd"}, "", result{stdout: "/bin\n"}},
		"who":          {[]string{"-u", "12:34", name, "sh", "-c", "id -u; id -g"}, "", result{stdout: "12\n34\n"}},
		"variables":    {[]string{"-e", "A=1", "-e", "OF_THE_USER", name, "sh", "-c", `echo "$A $OF_THE_USER"`}, "", result{stdout: "1 x y\n"}},
		"dashes":       {[]string{name, "--", "echo", "-n", "--help"}, "", result{stdout: "--help"}},
		"a signal":     {[]string{name, "sh", "-c", "kill -9 $$"}, "", result{code: 137}},
	} {
		if r := runWithInput(t, test.input, append([]string{"exec"}, test.arguments...)...); r != test.want {
			t.Errorf("%s: exit code %d, %d bytes, %q", line, r.code, len(r.stdout), r.stderr)
		}
	}
	if r := run(t, "exec", name, "no-such-program"); r.code != 126 && r.code != 127 {
		t.Errorf("%+v", r)
	}
}

func TestExecSaysWhyItCannotBegin(t *testing.T) {
	running, paused, stopped := engine.UniqueName("running"), engine.UniqueName("paused"), engine.UniqueName("stopped")
	docker.Run(t, running)
	docker.Run(t, paused)
	docker.Create(t, stopped)
	ok(t, "pause", paused)
	fails(t, []string{"cannot execute a command in " + paused, "paused"}, "exec", paused, "true")
	fails(t, []string{"cannot execute a command in " + stopped, "is not running"}, "exec", stopped, "true")
	fails(t, []string{"no such container: absent"}, "exec", "absent", "true")
	fails(t, []string{"is not a TTY"}, "exec", "-it", running, "true")
	fails(t, []string{"a command"}, "exec", running)
}

func TestAttachEndsWithTheContainerAndItsExitCode(t *testing.T) {
	name := engine.UniqueName("attached")
	docker.Run(t, name, engine.Command("sh", "-c", "cat; echo err >&2; exit 9"),
		func(config *container.Config, _ *container.HostConfig) {
			config.OpenStdin, config.StdinOnce = true, true
		})
	if r := runWithInput(t, "hello\n", "attach", name); r != (result{"hello\n", "err\n", 9}) {
		t.Errorf("%+v", r)
	}
	fails(t, []string{"cannot attach to " + name, "stopped"}, "attach", name)
}
