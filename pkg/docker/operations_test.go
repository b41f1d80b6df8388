// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestTransitions(t *testing.T) {
	const none = v1alpha1.ContainerAction("")
	for from, to := range map[v1alpha1.ContainerDockerStatus][3]v1alpha1.ContainerAction{
		//             running   paused   created
		"running":    {none, "pause", "stop"},
		"restarting": {none, "pause", "stop"},
		"paused":     {"unpause", none, "stop"},
		"pausing":    {"unpause", none, "stop"},
		"created":    {"start", "pause", none},
		"exited":     {"start", "pause", none},
		"dead":       {"start", "pause", none},
		"removing":   {"start", "pause", none},
	} {
		for i, state := range []v1alpha1.ContainerState{"running", "paused", "created"} {
			if got := transition(from, state); got != to[i] {
				t.Errorf("%s to %s: %q", from, state, got)
			}
		}
		if got := transition(from, "unknown"); got != none {
			t.Errorf("%s to unknown: %q", from, got)
		}
	}
}
