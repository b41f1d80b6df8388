// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"bufio"
	"slices"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// speaking returns the name of a container that has written lines and has ended.
func speaking(t *testing.T, script string, options ...engine.ContainerOption) string {
	t.Helper()
	name := engine.UniqueName("speaking")
	docker.Run(t, name, append(options, engine.Command("sh", "-c", script))...)
	ok(t, "wait", name)
	return name
}

func TestLogsPrintsBothOutputsOfAContainer(t *testing.T) {
	// Docker reads the two outputs on their own, so the lines get their order from the pauses.
	name := speaking(t, "echo one; sleep 1; echo two >&2; sleep 1; printf three")
	if got := ok(t, "logs", name); got != "one\ntwo\nthree" {
		t.Errorf("%q", got)
	}
	if got := ok(t, "logs", "--tail", "1", name); got != "three" {
		t.Errorf("%q", got)
	}
	lines := strings.Split(ok(t, "logs", "-t", name), "\n")
	stamp, word, _ := strings.Cut(lines[1], " ")
	if len(lines) != 3 || word != "two" {
		t.Fatalf("%q", lines)
	}
	if got := ok(t, "logs", "--since", stamp, name); got != "two\nthree" {
		t.Errorf("%q", got)
	}
	if got := ok(t, "logs", "--until", stamp, "--tail", "all", name); !strings.HasPrefix(got, "one\n") || strings.Contains(got, "three") {
		t.Errorf("%q", got)
	}
	if got := ok(t, "logs", "--since", "0s", name); got != "" {
		t.Errorf("%q", got)
	}
}

func TestLogsFollowsUntilTheContainerEnds(t *testing.T) {
	name := engine.UniqueName("following")
	id := docker.Run(t, name, engine.Command("sh", "-c", "trap 'echo bye; exit 0' TERM; echo hello; while :; do sleep 3600 & wait; done"))
	command := command(t, kubectl.Any(t, server.Kubeconfig), "engine", "logs", "-f", name)
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(stdout)
	for _, want := range []string{"hello\n", "bye\n"} {
		if got, err := reader.ReadString('\n'); got != want {
			t.Fatalf("%q, want %q: %v", got, want, err)
		}
		if want == "hello\n" {
			end(t, id, 0)
		}
	}
	if err := command.Wait(); err != nil {
		t.Error(err)
	}
}

func TestLogsOfSeveralContainersBeginEachLineWithTheName(t *testing.T) {
	label := engine.UniqueName("project")
	labels := engine.Labels(map[string]string{"project": label})
	first, second := speaking(t, "echo a; echo b", labels), speaking(t, "printf c >&2", labels)
	want := []string{first + " | a", first + " | b", second + " | c"}
	for _, arguments := range [][]string{{"logs", first, second}, {"logs", "-f", "-l", "project=" + label}} {
		lines := strings.Split(strings.TrimSuffix(ok(t, arguments...), "\n"), "\n")
		slices.Sort(lines)
		for i := range lines {
			lines[i] = strings.Join(strings.Fields(lines[i]), " ") // the names are as wide as the longest
		}
		if !slices.Equal(lines, want) {
			t.Errorf("%q: %q, want %q", arguments, lines, want)
		}
	}
	fails(t, []string{"no container has the labels project=absent"}, "logs", "-l", "project=absent")
	fails(t, []string{"not both"}, "logs", "-l", "project="+label, first)
	r := run(t, "logs", "absent", second)
	if r.code != 1 || r.stderr != "error: no such container: absent\n" || !strings.HasSuffix(r.stdout, "| c\n") {
		t.Errorf("%+v", r)
	}
}

func TestTopPrintsTheProcesses(t *testing.T) {
	name, stopped := engine.UniqueName("top"), engine.UniqueName("stopped")
	docker.Run(t, name)
	docker.Create(t, stopped)
	kubectl.Contains(t, ok(t, "top", name), "PID", "CMD", "trap")
	lines := strings.Split(ok(t, "top", name, "-o", "pid,args"), "\n")
	if strings.Join(strings.Fields(lines[0]), " ") != "PID COMMAND" || !strings.Contains(lines[1], "trap") {
		t.Errorf("%q", lines)
	}
	fails(t, []string{"cannot list the processes of " + stopped, "is not running"}, "top", stopped)
	fails(t, []string{"no such container: absent"}, "top", "absent")
}

func TestKillSendsASignal(t *testing.T) {
	name := engine.UniqueName("killed")
	id := docker.Run(t, name, engine.Command("sh", "-c", "trap 'exit 42' HUP; while :; do sleep 3600 & wait; done"))
	waiting := beginWait(t, server.Kubeconfig, name)
	if got := ok(t, "kill", "-s", "HUP", name); got != name+"\n" {
		t.Errorf("%q", got)
	}
	if r := <-waiting; r != (result{stdout: "42\n"}) {
		t.Errorf("%+v", r)
	}
	fails(t, []string{"cannot kill " + name, "is not running"}, "kill", name)
	fails(t, []string{"NOPE"}, "kill", "--signal", "NOPE", name)
	ok(t, "start", name)
	waiting = beginWait(t, server.Kubeconfig, name)
	ok(t, "kill", id[:12])
	if r := <-waiting; r != (result{stdout: "137\n"}) {
		t.Errorf("%+v", r)
	}
}

func TestRenameGivesAnotherName(t *testing.T) {
	name, taken, renamed := engine.UniqueName("name"), engine.UniqueName("taken"), engine.UniqueName("renamed")
	id := docker.Create(t, name)
	docker.Create(t, taken)
	if got := ok(t, "rename", name, renamed); got != "" {
		t.Errorf("%q", got)
	}
	if got := ok(t, "ps", "-aq", "--no-trunc", "-f", "name="+renamed); got != id+"\n" {
		t.Errorf("%q", got)
	}
	fails(t, []string{"cannot rename " + renamed, "already in use"}, "rename", renamed, taken)
	fails(t, []string{"cannot rename " + renamed, "newName"}, "rename", renamed, "no name")
	fails(t, []string{"no such container: " + name}, "rename", name, taken)
}

func TestWhatTheServerDoesNotServeIsOneLine(t *testing.T) {
	name, local := engine.UniqueName("viewed"), t.TempDir()
	docker.Run(t, name)
	const tooLow = "the server does not allow this change: its --engine-access is too low"
	notServed := func(subresource string) string {
		return "the server does not serve containers/" + subresource + ": it is older than this plugin, or its --engine-access does not allow it"
	}
	for access, lines := range map[string]map[string]string{
		"view": {
			"kill NAME":             "cannot kill NAME: " + notServed("kill"),
			"rename NAME other":     "cannot rename NAME: " + notServed("rename"),
			"exec NAME true":        "cannot execute a command in NAME: " + notServed("exec"),
			"exec -t NAME true":     "cannot execute a command in NAME: " + notServed("exec"),
			"attach NAME":           "cannot attach to NAME: " + notServed("attach"),
			"port-forward NAME :80": "cannot forward ports to NAME: " + notServed("portforward"),
			"cp NAME:/bin -":        "cannot copy NAME:/bin to -: " + notServed("archive"),
			"cp -L NAME:/bin LOCAL": "cannot copy NAME:/bin to LOCAL: " + notServed("archive"),
			"cp LOCAL NAME:/":       "cannot copy LOCAL to NAME:/: " + notServed("archive"),
			"cp - NAME:/":           "cannot copy - to NAME:/: " + notServed("archive"),
			"stop NAME":             "cannot stop NAME: " + tooLow,
			"rm -f NAME":            "cannot remove NAME: " + tooLow,
		},
		"operate": {
			"rename NAME other": "cannot rename NAME: " + notServed("rename"),
			"exec NAME true":    "cannot execute a command in NAME: " + notServed("exec"),
			"cp NAME:/bin -":    "cannot copy NAME:/bin to -: " + notServed("archive"),
		},
	} {
		restricted := testserver.Start(t, docker.Host(), "--engine-access", access)
		fill := strings.NewReplacer("NAME", name, "LOCAL", local)
		for line, want := range lines {
			if r := runWith(t, restricted.Kubeconfig, strings.Fields(fill.Replace(line))...); r != (result{stderr: "error: " + fill.Replace(want) + "\n", code: 1}) {
				t.Errorf("%s: %s: %+v", access, line, r)
			}
		}
	}
}
