// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// statsLine matches a line of docker stats for a container that runs without a network, or shows its values as "--".
const (
	runningLine = `^[0-9a-f]{12} +NAME +\d+\.\d\d% +[0-9.]+[KMG]?i?B / 64MiB +\d+\.\d\d% +-- +([0-9.]+[kMG]?B / [0-9.]+[kMG]?B|--) +[1-9]\d* *$`
	stoppedLine = `^[0-9a-f]{12} +NAME +-- +-- / -- +-- +-- +-- +-- *$`
)

// hasStats reports whether a line of the output of stats matches the pattern, in which NAME stands for the name.
func hasStats(output, pattern, name string) bool {
	return regexp.MustCompile("(?m)" + strings.ReplaceAll(pattern, "NAME", regexp.QuoteMeta(name))).MatchString(output)
}

// checkStats fails unless the output has such a line.
func checkStats(t *testing.T, output, pattern, name string) {
	t.Helper()
	if !hasStats(output, pattern, name) {
		t.Errorf("no line of the output is that of %s:\n%s", name, output)
	}
}

func TestStatsPrintsWhatDockerPrints(t *testing.T) {
	label := engine.UniqueName("stats")
	running, stopped := label+"-running", label+"-stopped"
	limit := func(config *container.Config, host *container.HostConfig) {
		config.Labels, host.Memory = map[string]string{"use": label}, 64<<20
	}
	id := docker.Run(t, running, limit)
	docker.Create(t, stopped, limit)
	kubectl.Eventually(t, "the container has been measured", func() bool {
		return hasStats(run(t, "stats", "--no-stream", running).stdout, runningLine, running)
	})

	header := "CONTAINER ID   NAME"
	words := []string{"CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS"}
	output := ok(t, "stats", "--no-stream", "-l", "use="+label)
	if lines := strings.Split(output, "\n"); len(lines) != 3 || !strings.HasPrefix(lines[0], header) {
		t.Errorf("the output is\n%s", output)
	}
	kubectl.Contains(t, output, words...)
	checkStats(t, output, runningLine, running)

	output = ok(t, "stats", "--no-stream", "-a", "-l", "use="+label)
	checkStats(t, output, runningLine, running)
	checkStats(t, output, stoppedLine, stopped)

	for _, named := range [][]string{{running, stopped}, {id, stopped}, {id[:5], stopped}} {
		output = ok(t, append([]string{"stats", "--no-stream"}, named...)...)
		checkStats(t, output, runningLine, running)
		checkStats(t, output, stoppedLine, stopped)
	}
	if got := ok(t, "stats", "--no-stream", "--no-trunc", "--format", "{{.Container}} {{.ID}} {{.Name}}", running); got != running+" "+id+" "+running+"\n" {
		t.Errorf("by a template: %s", got)
	}
	kubectl.Contains(t, ok(t, "stats", "--no-stream", "--format", "json", running), `"Name":"`+running+`"`, `"CPUPerc":"`, `"MemUsage":"`)
	fails(t, []string{"no such container: absent"}, "stats", "absent")
	fails(t, []string{"names of containers or --selector, not both"}, "stats", running, "-l", "use="+label)
	checkCompletion(t, kubectl.Any(t, server.Kubeconfig), "stats", label, running)
}

func TestStatsAreRenewedUntilTheyAreInterrupted(t *testing.T) {
	first, second, label := engine.UniqueName("first"), engine.UniqueName("second"), engine.UniqueName("live")
	labelled := engine.Labels(map[string]string{"use": label})
	docker.Run(t, first, labelled)
	screen := openTerminal(t)
	command := screen.start(t, "stats", "-l", "use="+label)
	screen.shows(t, "\x1b[H")
	screen.shows(t, first)
	docker.Run(t, second, labelled)
	screen.shows(t, second)
	if err := command.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = command.Wait()
}
