// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// filter is one of docker's filters of containers.
type filter struct {
	// matches reports whether a container has one of the values of the filter.
	matches func(chosen filters.Args, c *v1alpha1.Container) bool
	// check returns an error if the filter cannot have the value. It may be nil.
	check func(value string) error
}

var psFilters = map[string]filter{
	"id":   {matches: func(chosen filters.Args, c *v1alpha1.Container) bool { return chosen.Match("id", c.Status.ID) }},
	"name": {matches: func(chosen filters.Args, c *v1alpha1.Container) bool { return chosen.Match("name", c.Status.Name) }},
	"label": {matches: func(chosen filters.Args, c *v1alpha1.Container) bool {
		return chosen.MatchKVList("label", c.Status.Labels)
	}},
	"exited": {matches: hasExited, check: isNumber},
	"status": {
		matches: func(chosen filters.Args, c *v1alpha1.Container) bool {
			return chosen.ExactMatch("status", string(c.Status.Status))
		},
		check: func(value string) error { return container.ValidateContainerState(value) },
	},
	"health": {
		matches: func(chosen filters.Args, c *v1alpha1.Container) bool {
			return chosen.ExactMatch("health", cmp.Or(string(c.Status.Health), container.NoHealthcheck))
		},
		check: func(value string) error { return container.ValidateHealthStatus(value) },
	},
}

func filterNames() string { return strings.Join(slices.Sorted(maps.Keys(psFilters)), ", ") }

func hasExited(chosen filters.Args, c *v1alpha1.Container) bool {
	return isStopped(c.Spec.State) && c.Status.StartedAt != nil && chosen.ExactMatch("exited", strconv.FormatInt(c.Status.ExitCode, 10))
}

func isNumber(value string) error {
	_, err := strconv.Atoi(value)
	return err
}

// parseFilters returns the filters that a command line chooses.
func parseFilters(arguments []string) (filters.Args, error) {
	chosen := filters.NewArgs()
	for _, argument := range arguments {
		name, value, hasValue := strings.Cut(argument, "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !hasValue {
			return chosen, fmt.Errorf("--filter %q: must be name=value", argument)
		}
		filter, found := psFilters[name]
		if !found {
			return chosen, fmt.Errorf("--filter %q: there is no filter %q: choose one of %s", argument, name, filterNames())
		}
		if filter.check != nil {
			if err := filter.check(value); err != nil {
				return chosen, fmt.Errorf("--filter %q: %w", argument, err)
			}
		}
		chosen.Add(name, value)
	}
	return chosen, nil
}

// isChosen reports whether a container matches all filters.
func isChosen(c *v1alpha1.Container, chosen filters.Args) bool {
	for _, name := range chosen.Keys() {
		if !psFilters[name].matches(chosen, c) {
			return false
		}
	}
	return true
}

// selector returns the field selector that leaves out what is not listed in any case. As with docker, the filter status
// chooses among all containers.
func selector(chosen filters.Args, all bool) string {
	switch statuses := chosen.Get("status"); {
	case len(statuses) == 1:
		return fields.OneTermEqualSelector("status.status", statuses[0]).String()
	case len(statuses) > 1 || all:
		return ""
	}
	return fields.OneTermNotEqualSelector("spec.state", string(v1alpha1.ContainerStateCreated)).String()
}
