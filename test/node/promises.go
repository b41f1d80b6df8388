// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bufio"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// promises are what the client for JavaScript can do with any server.
var promises = map[string]func(*testing.T, *Client, *engine.Engine){
	"it lists containers":                                    lists,
	"it watches a container and changes it":                  watches,
	"a command has its input, its outputs and its exit code": executes,
	"a command has a terminal of the client's size":          terminals,
	"it attaches to a container":                             attaches,
	"it reads and follows a log":                             logs,
	"it forwards a port":                                     forwards,
	"it pulls an image, watches the end and reads the log":   pulls,
	"a pull that fails says why":                             pullsWhatIsNotThere,
	"a container that is not there is said to be not there":  misses,
}

// Check checks everything that the client can do with a server for the engine.
func (c *Client) Check(t *testing.T, docker *engine.Engine) {
	for promise, check := range promises {
		t.Run(promise, func(t *testing.T) { check(t, c, docker) })
	}
}

func (r Result) expect(t testing.TB, want Result) {
	t.Helper()
	if r != want {
		t.Errorf("%v, want %v", r, want)
	}
}

func lists(t *testing.T, c *Client, docker *engine.Engine) {
	name := engine.UniqueName("web")
	docker.Run(t, name)
	listed := c.Run(t, nil, "list", "containers")
	if !strings.Contains("\n"+listed.Stdout, "\n"+name+"\n") {
		t.Errorf("%v, want %s", listed, name)
	}
}

func watches(t *testing.T, c *Client, docker *engine.Engine) {
	name := engine.UniqueName("web")
	docker.Run(t, name)
	lines := c.follow(t, "watch", "containers", name)
	kubectl.AwaitLine(t, lines, "ADDED ", name, `"state":"running"`)
	patched := c.Run(t, nil, "patch", "containers", name, `[{"op":"replace","path":"/spec/state","value":"paused"}]`)
	if !strings.Contains(patched.Stdout, `"state":"paused"`) {
		t.Errorf("a patch: %v", patched)
	}
	kubectl.AwaitLine(t, lines, "MODIFIED ", name, `"state":"paused"`)
}

func executes(t *testing.T, c *Client, docker *engine.Engine) {
	name := engine.UniqueName("web")
	id := docker.Run(t, name)
	input := strings.Repeat("0123456789abcdef", 1<<16)
	for _, called := range []string{name, id} {
		done := c.Run(t, strings.NewReader(input), "exec", called, "sh", "-c", "cat; echo err >&2; exit 7")
		if done.Stdout != input || done.Stderr != "err\n" || done.Code != 7 {
			t.Errorf("%s: %d bytes, want %d; %q; status %d", called, len(done.Stdout), len(input), done.Stderr, done.Code)
		}
	}
}

func terminals(t *testing.T, c *Client, docker *engine.Engine) {
	name := engine.UniqueName("web")
	docker.Run(t, name)
	script := `until [ "$(stty size 2>/dev/null)" = "24 80" ]; do sleep 0.01; done; echo a terminal; exit 3`
	c.Run(t, nil, "terminal", name, "sh", "-c", script).expect(t, Result{Stdout: "a terminal\r\n", Code: 3})
}

func attaches(t *testing.T, c *Client, docker *engine.Engine) {
	name := engine.UniqueName("web")
	docker.Run(t, name, engine.Command("sh", "-c", "read line; echo got $line; echo err >&2"), func(config *container.Config, _ *container.HostConfig) {
		config.OpenStdin, config.StdinOnce = true, true
	})
	c.Run(t, strings.NewReader("hello\n"), "attach", name).expect(t, Result{Stdout: "got hello\n", Stderr: "err\n"})
}

func logs(t *testing.T, c *Client, docker *engine.Engine) {
	name := engine.UniqueName("web")
	docker.Run(t, name, engine.Command("sh", "-c", "trap 'echo three; exit' HUP; echo one; echo two; while :; do sleep 0.01; done"))
	lines := c.follow(t, "log", "containers", name, `{"follow": true}`)
	kubectl.AwaitLine(t, lines, "two")
	c.Run(t, nil, "log", "containers", name, `{"tailLines": 1}`).expect(t, Result{Stdout: "two\n"})
	if err := docker.Client().ContainerKill(t.Context(), name, "HUP"); err != nil {
		t.Fatal(err)
	}
	kubectl.AwaitLine(t, lines, "three")
}

func forwards(t *testing.T, c *Client, docker *engine.Engine) {
	name := engine.UniqueName("web")
	docker.Network(t, name, nil)
	docker.Run(t, name, engine.OnNetwork(name), engine.Command("nc", "-ll", "-p", "7", "-e", "cat"))
	kubectl.Eventually(t, "the port is forwarded", func() bool {
		return c.Run(t, strings.NewReader("ping\n"), "portforward", name, "7").Stdout == "ping\n"
	})
}

func misses(t *testing.T, c *Client, docker *engine.Engine) {
	if done := c.Run(t, nil, "exec", "no-such", "true"); done.Code != 125 || !strings.Contains(done.Stderr, "404") {
		t.Errorf("%v", done)
	}
}

// follow runs a command until the test ends, and returns the lines of its output.
func (c *Client) follow(t *testing.T, args ...string) <-chan string {
	t.Helper()
	command := c.Command(t.Context(), args...)
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stderr = t.Output()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines, ended := make(chan string), t.Context().Done()
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(lines)
		for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
			select {
			case lines <- scanner.Text():
			case <-ended:
			}
		}
	}()
	t.Cleanup(func() {
		stdin.Close()
		<-read
		_ = command.Wait() // killed with the context of the test
	})
	return lines
}
