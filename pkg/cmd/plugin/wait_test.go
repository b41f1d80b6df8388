// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/watch"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestTheExitCodeIsThatOfTheFirstRunThatEnds(t *testing.T) {
	running := newContainer("a", v1alpha1.ContainerDockerStatusRunning)
	again := func(c *v1alpha1.Container) {
		c.Status.FinishedAt, c.Status.StartedAt = ago(time.Minute), ago(time.Second)
	}
	for name, test := range map[string]struct {
		before *v1alpha1.Container
		event  watch.EventType
		now    *v1alpha1.Container
		code   int64
		ended  bool
		fails  bool
	}{
		"runs":                      {running, watch.Modified, running, 0, false, false},
		"is paused":                 {running, watch.Modified, newContainer("a", v1alpha1.ContainerDockerStatusPaused), 0, false, false},
		"ended":                     {running, watch.Modified, newContainer("a", v1alpha1.ContainerDockerStatusExited, exit(3)), 3, true, false},
		"ended long ago":            {newContainer("a", v1alpha1.ContainerDockerStatusExited, exit(3)), watch.Added, newContainer("a", v1alpha1.ContainerDockerStatusExited, exit(3)), 3, true, false},
		"was never started":         {newContainer("a", v1alpha1.ContainerDockerStatusCreated), watch.Added, newContainer("a", v1alpha1.ContainerDockerStatusCreated), 0, true, false},
		"waits for a restart":       {running, watch.Modified, newContainer("a", v1alpha1.ContainerDockerStatusRestarting, exit(4), again), 4, true, false},
		"waited for a restart":      {newContainer("a", v1alpha1.ContainerDockerStatusRestarting, exit(4)), watch.Added, newContainer("a", v1alpha1.ContainerDockerStatusRestarting, exit(4)), 0, false, false},
		"was restarted":             {running, watch.Modified, newContainer("a", v1alpha1.ContainerDockerStatusRunning, again), 0, false, true},
		"was restarted by a policy": {running, watch.Modified, newContainer("a", v1alpha1.ContainerDockerStatusRunning, func(c *v1alpha1.Container) { c.Status.RestartCount++ }), 0, false, true},
		"ended and is removed":      {running, watch.Deleted, newContainer("a", v1alpha1.ContainerDockerStatusExited, exit(5)), 5, true, false},
		"is removed while it runs":  {running, watch.Deleted, running, 0, false, true},
	} {
		code, ended, err := exitCode(test.before, test.event, test.now)
		if code != test.code || ended != test.ended || (err != nil) != test.fails {
			t.Errorf("a container that %s: code %d, ended %t, %v", name, code, ended, err)
		}
	}
}
