// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

func TestCommandsActOnceTheyHavePrintedTheName(t *testing.T) {
	name := engine.UniqueName("acted")
	id := docker.Create(t, name)
	for _, step := range []struct{ command, argument, status string }{
		{"start", name, "running"}, {"start", name, "running"},
		{"pause", id, "paused"}, {"unpause", id[:12], "running"},
		{"restart", "/" + name, "running"},
		{"stop", id[:20], "exited"}, {"stop", name, "exited"}, {"restart", name, "running"},
	} {
		if got := ok(t, step.command, step.argument); got != step.argument+"\n" || dockerStatus(t, id) != step.status {
			t.Errorf("%s %s printed %q, and Docker says %s", step.command, step.argument, got, dockerStatus(t, id))
		}
	}
}

func TestARestartIsAnotherRun(t *testing.T) {
	name := engine.UniqueName("restarted")
	id := docker.Run(t, name)
	pid := func() int {
		inspected, err := docker.Client().ContainerInspect(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return inspected.State.Pid
	}
	before := pid()
	if ok(t, "restart", name); pid() == before {
		t.Error("the process is the same")
	}
}

func TestWhatDockerRefusesIsOneLineWithItsWords(t *testing.T) {
	running, stopped := engine.UniqueName("running"), engine.UniqueName("stopped")
	docker.Run(t, running)
	docker.Create(t, stopped)
	broken := engine.UniqueName("broken")
	docker.Create(t, broken, engine.Command("no-such-program"))

	fails(t, []string{"cannot pause " + stopped, "is not running"}, "pause", stopped)
	fails(t, []string{"cannot unpause " + stopped, "is not running"}, "unpause", stopped)
	fails(t, []string{"cannot unpause " + running, "is not paused"}, "unpause", running)
	fails(t, []string{"cannot start " + broken, "no-such-program"}, "start", broken)
	ok(t, "pause", running)
	fails(t, []string{"cannot pause " + running, "already paused"}, "pause", running)
	fails(t, []string{"cannot start " + running, "paused"}, "start", running)
	for _, command := range []string{"start", "stop", "restart", "pause", "unpause", "rm", "wait"} {
		fails(t, []string{"no such container: absent"}, command, "absent")
	}
}

func TestOneRefusalDoesNotKeepACommandFromTheOthers(t *testing.T) {
	first, last := engine.UniqueName("first"), engine.UniqueName("last")
	ids := []string{docker.Run(t, first), docker.Run(t, last)}
	r := run(t, "stop", first, "absent", last)
	if r.code != 1 || r.stdout != first+"\n"+last+"\n" || r.stderr != "error: no such container: absent\n" {
		t.Errorf("%+v", r)
	}
	for _, id := range ids {
		if got := dockerStatus(t, id); got != "exited" {
			t.Errorf("Docker says %s", got)
		}
	}
}

func TestTheBeginningOfAnIDMustBeUnique(t *testing.T) {
	// Of 17 IDs two begin with the same digit.
	byDigit := map[string]int{}
	for range 17 {
		byDigit[docker.Create(t, engine.UniqueName("id"))[:1]]++
	}
	for digit, count := range byDigit {
		if count > 1 {
			fails(t, []string{"the IDs of", "containers begin with " + digit}, "start", digit)
		}
	}
}

func TestRmRemovesOnlyWhatDoesNotRunUnlessItIsForced(t *testing.T) {
	gone := func(id string) bool {
		_, err := docker.Client().ContainerInspect(t.Context(), id)
		return cerrdefs.IsNotFound(err)
	}
	running, stopped, paused := engine.UniqueName("running"), engine.UniqueName("stopped"), engine.UniqueName("paused")
	runningID, stoppedID, pausedID := docker.Run(t, running, engine.Command(engine.Stubborn...)), docker.Create(t, stopped), docker.Run(t, paused)
	ok(t, "pause", paused)

	r := run(t, "rm", running, stopped, paused)
	if r.code != 1 || r.stdout != stopped+"\n" || strings.Count(r.stderr, "\n") != 2 {
		t.Errorf("%+v", r)
	}
	kubectl.Contains(t, r.stderr, "cannot remove "+running+": it is running", "cannot remove "+paused+": it is paused", "-f")
	if gone(runningID) || !gone(stoppedID) || gone(pausedID) {
		t.Errorf("gone: running %t, stopped %t, paused %t", gone(runningID), gone(stoppedID), gone(pausedID))
	}
	// As docker, it takes a container that is not there for removed.
	r = run(t, "rm", "-f", running, "absent", pausedID[:12])
	if r.code != 0 || r.stdout != running+"\n"+pausedID[:12]+"\n" || r.stderr != "no such container: absent\n" {
		t.Errorf("%+v", r)
	}
	if !gone(runningID) || !gone(pausedID) {
		t.Errorf("gone: running %t, paused %t", gone(runningID), gone(pausedID))
	}
}

func TestATimeoutIsDockers(t *testing.T) {
	name, long := engine.UniqueName("timeout"), 3600
	id := docker.Run(t, name, engine.Command(engine.Stubborn...), func(c *container.Config, _ *container.HostConfig) { c.StopTimeout = &long })
	// With the container's own timeout neither would end.
	for _, step := range []struct{ arguments, status string }{{"restart -t 0", "running"}, {"restart --timeout=1", "running"}, {"stop --time 0", "exited"}} {
		if got := ok(t, append(strings.Fields(step.arguments), name)...); got != name+"\n" || dockerStatus(t, id) != step.status {
			t.Errorf("%s printed %q, and Docker says %s", step.arguments, got, dockerStatus(t, id))
		}
	}
	fails(t, []string{"cannot stop " + name, "from 0 to 600"}, "stop", "-t", "-1", name)
}

// A stop may take longer than the server waits. Then the server answers first.
func TestACommandWaitsForTheOutcomeLongerThanTheServer(t *testing.T) {
	impatient := testserver.Start(t, docker.Host(), "--request-timeout", "3s")
	name, seconds := engine.UniqueName("slow"), 6
	id := docker.Run(t, name, engine.Command(engine.Stubborn...), func(c *container.Config, _ *container.HostConfig) { c.StopTimeout = &seconds })
	for _, command := range []string{"restart", "stop"} {
		if r := runWith(t, impatient.Kubeconfig, command, name); r != (result{stdout: name + "\n"}) {
			t.Errorf("%s: %+v", command, r)
		}
	}
	if got := dockerStatus(t, id); got != "exited" {
		t.Errorf("Docker says %s", got)
	}
}

func TestTheNamespaceOfTheEngineIsFound(t *testing.T) {
	name := engine.UniqueName("found")
	docker.Run(t, name)
	config, err := clientcmd.LoadFromFile(server.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	for _, context := range config.Contexts {
		context.Namespace = ""
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, kubeconfig); err != nil {
		t.Fatal(err)
	}
	if r := runWith(t, kubeconfig, "pause", name); r != (result{stdout: name + "\n"}) {
		t.Errorf("%+v", r)
	}
	if r := runWith(t, kubeconfig, "unpause", name, "-n", testserver.Namespace); r != (result{stdout: name + "\n"}) {
		t.Errorf("%+v", r)
	}
	fails(t, []string{"no such container: " + name}, "pause", name, "-n", "default")
}

func TestAWrongTokenIsOneLine(t *testing.T) {
	config, err := os.ReadFile(server.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, []byte(strings.Replace(string(config), "token: ", "token: x", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := runWith(t, kubeconfig, "ps"); r.code != 1 || r.stdout != "" || !strings.HasPrefix(r.stderr, "error: the server does not know you") {
		t.Errorf("%+v", r)
	}
}
