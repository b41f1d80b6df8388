// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"slices"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestFiltersChooseAsDockersDo(t *testing.T) {
	items := []*v1alpha1.Container{
		newContainer("web", v1alpha1.ContainerDockerStatusRunning, health(v1alpha1.ContainerHealthHealthy), func(c *v1alpha1.Container) {
			c.Status.Labels = map[string]string{"tier": "front", "Not A Label/": "x"}
		}),
		newContainer("web-1", v1alpha1.ContainerDockerStatusPaused),
		newContainer("job", v1alpha1.ContainerDockerStatusExited, exit(3)),
		newContainer("made", v1alpha1.ContainerDockerStatusCreated, func(c *v1alpha1.Container) { c.Status.StartedAt = nil }),
	}
	for arguments, want := range map[string]string{
		"":                              "web web-1 job made",
		"name=web":                      "web web-1",
		"name=^/?web$":                  "web",
		"name=web name=job":             "web web-1 job",
		"name=web status=paused":        "web-1",
		"status=paused status=exited":   "web-1 job",
		"label=tier":                    "web",
		"label=tier=front":              "web",
		"label=tier=back":               "",
		"label=tier label=Not_A_Label/": "",
		"health=healthy":                "web",
		"health=none":                   "web-1 job made",
		"exited=3":                      "job",
		"exited=0":                      "",
		"id=" + items[2].Status.ID[:64]: "web job", // their names are of the same length
		"NAME=job":                      "job",
	} {
		chosen, err := psFilters.parse(strings.Fields(arguments))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, c := range items {
			if psFilters.choose(chosen, c) {
				names = append(names, c.Name)
			}
		}
		if !slices.Equal(names, strings.Fields(want)) {
			t.Errorf("%s: %q, want %s", arguments, names, want)
		}
	}
}

func TestAFilterThatDockerDoesNotKnowIsAnErrorThatSaysWhatIsPossible(t *testing.T) {
	for argument, want := range map[string]string{
		"running":       "must be name=value",
		"colour=red":    "choose one of exited, health, id, label, name, status",
		"status=asleep": "running",
		"health=so-so":  "unhealthy",
		"exited=maybe":  "invalid syntax",
	} {
		if _, err := psFilters.parse([]string{argument}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), argument) {
			t.Errorf("%s: %v", argument, err)
		}
	}
}

func TestTheServerLeavesOutWhatIsNotListed(t *testing.T) {
	for _, test := range []struct {
		filters []string
		all     bool
		want    string
	}{
		{nil, false, "spec.state!=created"},
		{nil, true, ""},
		{[]string{"name=web"}, false, "spec.state!=created"},
		{[]string{"status=exited"}, false, "status.status=exited"},
		{[]string{"status=exited", "status=running"}, false, ""},
	} {
		chosen, err := psFilters.parse(test.filters)
		if err != nil {
			t.Fatal(err)
		}
		if got := selector(chosen, test.all); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}
