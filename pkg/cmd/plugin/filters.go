// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	timetypes "github.com/docker/docker/api/types/time"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// filter is one of docker's filters of objects.
type filter[T any] struct {
	// matches reports whether an object has one of the values of the filter.
	matches func(chosen filters.Args, object *T) bool
	// check returns an error if the filter cannot have the value. It may be nil.
	check func(value string) error
}

// filterSet has the filters of a command by their names.
type filterSet[T any] map[string]filter[T]

// addFlag adds the flag that chooses filters.
func (s filterSet[T]) addFlag(flags *pflag.FlagSet, arguments *[]string) {
	flags.StringArrayVarP(arguments, "filter", "f", nil, "Filter output by `name=value`, where name is one of "+s.names())
}

func (s filterSet[T]) names() string { return strings.Join(slices.Sorted(maps.Keys(s)), ", ") }

// parse returns the filters that a command line chooses.
func (s filterSet[T]) parse(arguments []string) (filters.Args, error) {
	chosen := filters.NewArgs()
	for _, argument := range arguments {
		name, value, hasValue := strings.Cut(argument, "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !hasValue {
			return chosen, fmt.Errorf("--filter %q: must be name=value", argument)
		}
		filter, found := s[name]
		if !found {
			return chosen, fmt.Errorf("--filter %q: there is no filter %q: choose one of %s", argument, name, s.names())
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

// choose reports whether an object matches all chosen filters.
func (s filterSet[T]) choose(chosen filters.Args, object *T) bool {
	for _, name := range chosen.Keys() {
		if !s[name].matches(chosen, object) {
			return false
		}
	}
	return true
}

// psFilters are the filters of containers.
var psFilters = filterSet[v1alpha1.Container]{
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

func hasExited(chosen filters.Args, c *v1alpha1.Container) bool {
	return isStopped(c.Spec.State) && c.Status.StartedAt != nil && chosen.ExactMatch("exited", strconv.FormatInt(c.Status.ExitCode, 10))
}

func isNumber(value string) error {
	_, err := strconv.Atoi(value)
	return err
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

var errNoTime = errors.New("must be a time such as 2006-01-02T15:04:05Z, or a duration such as 42m")

// timeOf reads a time as docker does. A duration is counted back from now.
func timeOf(value string, now time.Time) (time.Time, error) {
	if stamp, err := timetypes.GetTimestamp(value, now); err == nil {
		if seconds, nanoseconds, err := timetypes.ParseTimestamps(stamp, 0); err == nil {
			return time.Unix(seconds, nanoseconds), nil
		}
	}
	return time.Time{}, errNoTime
}
