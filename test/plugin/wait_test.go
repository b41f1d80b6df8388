// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// beginWait runs kubectl engine wait in the background. It returns when the command watches the container.
func beginWait(t *testing.T, kubeconfig, name string) <-chan result {
	t.Helper()
	ended := make(chan result, 1)
	go func() { ended <- runWith(t, kubeconfig, "wait", name) }()
	watch := regexp.MustCompile(`(?m)^apiserver_longrunning_requests\{.*resource="containers".*verb="WATCH".*\} [1-9]`)
	k := kubectl.Any(t, kubeconfig)
	kubectl.Eventually(t, "the command watches", func() bool { return watch.MatchString(k.OK(t, "get", "--raw", "/metrics")) })
	return ended
}

func end(t *testing.T, id string, code int) {
	t.Helper()
	options := container.ExecOptions{Cmd: []string{"sh", "-c", fmt.Sprintf("echo %d > /code && kill -TERM 1", code)}}
	exec, err := docker.Client().ContainerExecCreate(t.Context(), id, options)
	if err == nil {
		err = docker.Client().ContainerExecStart(t.Context(), exec.ID, container.ExecStartOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// untilEnd is the command of a container that end ends.
var untilEnd = engine.Command("sh", "-c", "trap 'exit $(cat /code)' TERM; while :; do sleep 3600 & wait; done")

func TestWaitPrintsTheExitCodesInTheOrderOfTheNames(t *testing.T) {
	var names, codes []string
	for i := range 10 {
		name := engine.UniqueName("job")
		// Some end before the command looks, some while it begins to watch, and some later.
		docker.Run(t, name, engine.Command("sh", "-c", fmt.Sprintf("usleep %d; exit %d", (10-i)*150_000, i)))
		names, codes = append(names, name), append(codes, fmt.Sprint(i))
	}
	if got, want := ok(t, append([]string{"wait"}, names...)...), strings.Join(codes, "\n")+"\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWaitDoesNotWaitForWhatDoesNotRun(t *testing.T) {
	made := engine.UniqueName("made")
	docker.Create(t, made)
	if got := ok(t, "wait", made); got != "0\n" {
		t.Error(got)
	}
}

func TestWaitEndsWithTheFirstRunOfARestartPolicy(t *testing.T) {
	name := engine.UniqueName("policy")
	id := docker.Run(t, name, untilEnd, func(_ *container.Config, host *container.HostConfig) {
		host.RestartPolicy = container.RestartPolicy{Name: container.RestartPolicyAlways}
	})
	waiting := beginWait(t, server.Kubeconfig, name)
	end(t, id, 9)
	// Docker forgets the exit code at the next start, 100 ms later. The server may look after that.
	unknown := result{stderr: "error: cannot tell the exit code of " + name + ": it was started again at once\n", code: 1}
	if r := <-waiting; r != (result{stdout: "9\n"}) && r != unknown {
		t.Errorf("%+v", r)
	}
}

func TestWaitFollowsARename(t *testing.T) {
	name := engine.UniqueName("old")
	id := docker.Run(t, name, untilEnd)
	waiting := beginWait(t, server.Kubeconfig, name)
	if err := docker.Client().ContainerRename(t.Context(), id, engine.UniqueName("new")); err != nil {
		t.Fatal(err)
	}
	docker.Run(t, name) // another one has the name now
	end(t, id, 4)
	if r := <-waiting; r != (result{stdout: "4\n"}) {
		t.Errorf("%+v", r)
	}
}

func TestWaitGoesOnWhenTheServerIsRestarted(t *testing.T) {
	dir := t.TempDir()
	kubeconfig, port := filepath.Join(dir, "kubeconfig"), testserver.FreePort(t, "127.0.0.1")
	serve := func() *testserver.Process {
		process := testserver.StartProcess(t, "serve", "--docker-host", docker.Host(), "--secure-port", port, "--state-dir", dir)
		process.Await(t, testserver.ServesEngine)
		return process
	}
	name := engine.UniqueName("job")
	id := docker.Run(t, name, untilEnd)
	process := serve()
	waiting := beginWait(t, kubeconfig, name)
	process.Kill()
	end(t, id, 5)
	serve()
	if r := <-waiting; r != (result{stdout: "5\n"}) {
		t.Errorf("%+v", r)
	}
}

// Docker forgets the exit code together with the container.
func TestWaitNeverPrintsAWrongExitCodeOfAContainerThatIsRemovedAtItsEnd(t *testing.T) {
	name := engine.UniqueName("transient")
	id := docker.Run(t, name, untilEnd, func(_ *container.Config, host *container.HostConfig) { host.AutoRemove = true })
	waiting := beginWait(t, server.Kubeconfig, name)
	end(t, id, 6)
	unknown := result{stderr: "error: cannot tell the exit code of " + name + ": it was removed\n", code: 1}
	if r := <-waiting; r != (result{stdout: "6\n"}) && r != unknown {
		t.Errorf("%+v", r)
	}
}
