// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/docker/cli/cli/command/formatter"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// dockerPs returns what docker ps prints.
func dockerPs(t *testing.T, format string, quiet, trunc bool, options container.ListOptions) string {
	t.Helper()
	listed, err := docker.Client().ContainerList(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	for i := range listed {
		listed[i].NetworkSettings = nil // the API does not show the networks
	}
	// Docker's order is by nanoseconds, that of the API by seconds.
	slices.SortFunc(listed, func(a, b container.Summary) int {
		if a.Created != b.Created {
			return int(b.Created - a.Created)
		}
		return strings.Compare(a.Names[0], b.Names[0])
	})
	var printed bytes.Buffer
	if err := formatter.ContainerWrite(formatter.Context{Output: &printed, Format: formatter.NewContainerFormat(format, quiet, false), Trunc: trunc}, listed); err != nil {
		t.Fatal(err)
	}
	return printed.String()
}

func TestPsPrintsWhatDockerPrints(t *testing.T) {
	docker.Run(t, engine.UniqueName("running"), engine.Labels(map[string]string{"tier": "front", "Not A Label": "x"}))
	paused := docker.Run(t, engine.UniqueName("paused"))
	if err := docker.Client().ContainerPause(t.Context(), paused); err != nil {
		t.Fatal(err)
	}
	docker.Create(t, engine.UniqueName("made"))
	ended := engine.UniqueName("ended")
	docker.Run(t, ended, engine.Command("sh", "-c", "exit 3"))
	if got := ok(t, "wait", ended); got != "3\n" {
		t.Fatalf("the exit code is %s", got)
	}

	status := func(status string) container.ListOptions {
		return container.ListOptions{Filters: filters.NewArgs(filters.Arg("status", status))}
	}
	for name, test := range map[string]struct {
		arguments    []string
		format       string
		quiet, trunc bool
		options      container.ListOptions
	}{
		"running":    {nil, "", false, true, container.ListOptions{}},
		"all":        {[]string{"-a"}, "", false, true, container.ListOptions{All: true}},
		"quiet":      {[]string{"-aq"}, "", true, true, container.ListOptions{All: true}},
		"full":       {[]string{"-a", "--no-trunc"}, "", false, false, container.ListOptions{All: true}},
		"full IDs":   {[]string{"-q", "--no-trunc"}, "", true, false, container.ListOptions{}},
		"JSON":       {[]string{"-a", "--format", "json"}, "json", false, true, container.ListOptions{All: true}},
		"a template": {[]string{"--format", "{{.Names}}: {{.Labels}} {{.State}}"}, "{{.Names}}: {{.Labels}} {{.State}}", false, true, container.ListOptions{}},
		"a table":    {[]string{"--format", `table {{.Names}}\t{{.Status}}`}, `table {{.Names}}\t{{.Status}}`, false, true, container.ListOptions{}},
		"exited":     {[]string{"-f", "status=exited"}, "", false, true, status("exited")},
		"paused":     {[]string{"-f", "status=paused"}, "", false, true, status("paused")},
		"labelled":   {[]string{"-f", "label=Not A Label=x"}, "", false, true, container.ListOptions{Filters: filters.NewArgs(filters.Arg("label", "Not A Label=x"))}},
		"none":       {[]string{"-f", "name=absent"}, "", false, true, container.ListOptions{Filters: filters.NewArgs(filters.Arg("name", "absent"))}},
	} {
		got := withoutTimes(ok(t, append([]string{"ps"}, test.arguments...)...))
		want := withoutTimes(dockerPs(t, test.format, test.quiet, test.trunc, test.options))
		if got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
		}
	}
}

// duration matches what docker says of a time that has passed.
var duration = regexp.MustCompile(`Less than a second|About an? \w+|\d+ (second|minute|hour)s?\b`)

// withoutTimes returns the output of ps without the durations, which change, and without the blanks that fill columns.
func withoutTimes(output string) string {
	return regexp.MustCompile(` {2,}`).ReplaceAllLiteralString(duration.ReplaceAllLiteralString(output, "TIME"), "  ")
}

func TestATemplateThatDockerRefusesIsOneLine(t *testing.T) {
	fails(t, []string{"template", "Nope"}, "ps", "-a", "--format", "{{Nope}}")
}

func TestNamesAreCompletedByTheirState(t *testing.T) {
	prefix := engine.UniqueName("complete")
	running, paused, made := prefix+"-running", prefix+"-paused", prefix+"-made"
	docker.Run(t, running)
	if err := docker.Client().ContainerPause(t.Context(), docker.Run(t, paused)); err != nil {
		t.Fatal(err)
	}
	docker.Create(t, made)
	for line, want := range map[string][]string{
		"start":           {made},
		"start " + made:   nil,
		"stop":            {paused, running},
		"pause":           {running},
		"unpause":         {paused},
		"restart":         {made, paused, running},
		"rm":              {made},
		"rm -f":           {made, paused, running},
		"wait " + running: {paused},
	} {
		checkCompletion(t, kubectl.Any(t, server.Kubeconfig), line, prefix, want...)
	}
	kubectl.Each(t, server.Kubeconfig, func(t *testing.T, k kubectl.Kubectl) {
		checkCompletion(t, k, "stop", prefix, paused, running)
	})
}

// checkCompletion has kubectl complete a line, as the shells do. It must offer these names and no files.
func checkCompletion(t *testing.T, k kubectl.Kubectl, line, begun string, want ...string) {
	t.Helper()
	completes(t, k, append(strings.Fields(line), begun), func(offered []string) bool {
		var names []string
		for _, offer := range offered[:len(offered)-1] {
			name, _, _ := strings.Cut(offer, "\t")
			names = append(names, name)
		}
		noFiles := ":4"
		return slices.Equal(names, want) && offered[len(offered)-1] == noFiles
	})
}

// completes has kubectl complete a line until what it offers is right. If the server takes too long, kubectl offers no names.
func completes(t *testing.T, k kubectl.Kubectl, line []string, isRight func(offered []string) bool) {
	t.Helper()
	var stdout, stderr string
	defer func() {
		if t.Failed() {
			t.Logf("%q completes to %s%s", line, stdout, stderr)
		}
	}()
	kubectl.Eventually(t, "kubectl completes "+strings.Join(line, " "), func() bool {
		var err error
		stdout, stderr, err = kubectl.Capture(command(t, k, append([]string{"__complete", "engine"}, line...)...))
		return err == nil && isRight(strings.Split(strings.TrimSuffix(stdout, "\n"), "\n"))
	})
}
