// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"math"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// statuses holds Docker's statuses, in the order of the states that they show as: running, paused, created.
var statuses = [3][]v1alpha1.ContainerDockerStatus{
	{"running", "restarting"},
	{"paused", "pausing"},
	{"created", "exited", "dead", "removing"},
}

func TestEachStateIsReachedByOneStep(t *testing.T) {
	for to, want := range map[v1alpha1.ContainerState][3]step{
		// from     running  paused     created
		"running": {stepNone, "unpause", "start"},
		"paused":  {"pause", stepNone, "pause"},
		"created": {"stop", "stop", stepNone},
		"unknown": {stepNone, stepNone, stepNone},
	} {
		for i, each := range statuses {
			for _, from := range each {
				if got := stepsToState[to].from(from); got != want[i] {
					t.Errorf("%s to %s: %q", from, to, got)
				}
			}
		}
	}
}

func TestAnActionThatFindsNothingToDoMakesNoCall(t *testing.T) {
	for action, want := range map[v1alpha1.ContainerAction][3]step{
		// when     running  paused     created
		"start":   {stepNone, "start", "start"},
		"stop":    {"stop", "stop", stepNone},
		"pause":   {"pause", stepNone, "pause"},
		"unpause": {stepNone, "unpause", stepRefuseStopped},
		"restart": {"restart", "restart", "restart"},
	} {
		for i, each := range statuses {
			for _, from := range each {
				if got := stepOf(action, from); got != want[i] {
					t.Errorf("%s when %s: %q", action, from, got)
				}
			}
		}
		if got := stepOf(action, "unknown"); got != step(action) {
			t.Errorf("%s of a status that is not known: %q", action, got)
		}
	}
}

func TestAGracePeriodIsOneThatDockerCanCount(t *testing.T) {
	for grace, want := range map[int64]time.Duration{0: 0, 10: 10 * time.Second, math.MaxInt64: 9223372036 * time.Second} {
		if got := time.Duration(*stopSeconds(grace)) * time.Second; got != want {
			t.Errorf("%d seconds are %s, want %s", grace, got, want)
		}
	}
}
