// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// These words are how Docker's form of a check begins.
const (
	healthNone    = "NONE"
	healthCommand = "CMD"
	healthShell   = "CMD-SHELL"
)

func writeHealthCheck(s *v1alpha1.ContainerSpec, c *creation) *field.Error {
	given := s.HealthCheck
	if given == nil {
		return nil
	}
	seconds := func(n int32) time.Duration { return time.Duration(n) * time.Second }
	made := &container.HealthConfig{
		Interval: seconds(given.IntervalSeconds), Timeout: seconds(given.TimeoutSeconds), StartPeriod: seconds(given.StartPeriodSeconds),
		Retries: int(given.Retries),
	}
	switch {
	case given.Disable:
		made.Test = []string{healthNone}
	case len(given.Command) > 0:
		made.Test = append([]string{healthCommand}, given.Command...)
	case given.ShellCommand != "":
		made.Test = []string{healthShell, given.ShellCommand}
	}
	c.config.Healthcheck = made
	return nil
}

// readHealthCheck reads what the container's check has beside that of the image. Docker takes what was not given from the
// image.
func readHealthCheck(r *reading) {
	made, ofImage := r.config.Healthcheck, r.image.Healthcheck
	if made == nil {
		made = &container.HealthConfig{}
	}
	if ofImage == nil {
		ofImage = &container.HealthConfig{}
	}
	var shown v1alpha1.ContainerHealthCheck
	if test := made.Test; len(test) > 0 && (r.isMadeHere() || !slices.Equal(test, ofImage.Test)) {
		switch {
		case test[0] == healthNone:
			shown.Disable = r.shows(true, "healthCheck", "disable")
		case test[0] == healthCommand && len(test) > 1:
			shown.Command = pickList(r, test[1:], "healthCheck", "command")
		case test[0] == healthShell && len(test) > 1:
			shown.ShellCommand = pick(r, strings.Join(test[1:], " "), "", "healthCheck", "shellCommand")
		}
	}
	shown.IntervalSeconds = pick(r, wholeSeconds(made.Interval), wholeSeconds(ofImage.Interval), "healthCheck", "intervalSeconds")
	shown.TimeoutSeconds = pick(r, wholeSeconds(made.Timeout), wholeSeconds(ofImage.Timeout), "healthCheck", "timeoutSeconds")
	shown.StartPeriodSeconds = pick(r, wholeSeconds(made.StartPeriod), wholeSeconds(ofImage.StartPeriod), "healthCheck", "startPeriodSeconds")
	shown.Retries = pick(r, int32(min(max(made.Retries, 0), math.MaxInt32)), int32(min(max(ofImage.Retries, 0), math.MaxInt32)), "healthCheck", "retries")
	isEmpty := shown.Command == nil && shown.ShellCommand == "" && !shown.Disable && shown.IntervalSeconds == 0 && shown.TimeoutSeconds == 0 &&
		shown.StartPeriodSeconds == 0 && shown.Retries == 0
	r.spec.HealthCheck = pickGroup(r, shown, isEmpty, "healthCheck")
}

// wholeSeconds rounds up, so that a short time does not become none.
func wholeSeconds(d time.Duration) int32 {
	seconds := d / time.Second
	if d%time.Second > 0 {
		seconds++
	}
	return int32(min(max(seconds, 0), math.MaxInt32))
}
