// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// containerConditions returns the conditions in a fixed order. Docker says when a container started and when it ended,
// but not when anything else changed: see keepTransitions. Until the server sees a change, a condition has the earliest
// possible time.
func containerConditions(s *v1alpha1.ContainerStatus, oomKilled, dead bool) []metav1.Condition {
	created := source.Latest(s.CreatedAt)
	started := source.Latest(s.CreatedAt, s.StartedAt)
	ended := source.Latest(s.CreatedAt, s.StartedAt, s.FinishedAt)
	either := func(kind string, is bool, whenTrue, whenFalse string, sinceTrue, sinceFalse metav1.Time) metav1.Condition {
		if is {
			return source.Condition(kind, true, whenTrue, "", sinceTrue)
		}
		return source.Condition(kind, false, whenFalse, "", sinceFalse)
	}
	conditions := []metav1.Condition{
		runningCondition(s, started, ended),
		either(v1alpha1.ContainerPaused, s.Status == v1alpha1.ContainerDockerStatusPaused, "Paused", "NotPaused", started, started),
		either(v1alpha1.ContainerRestarting, s.Status == v1alpha1.ContainerDockerStatusRestarting, "RestartPolicy", "NotRestarting", ended, started),
		either(v1alpha1.ContainerOOMKilled, oomKilled, "OutOfMemory", "NotOOMKilled", ended, started),
		either(v1alpha1.ContainerDead, dead || s.Status == v1alpha1.ContainerDockerStatusDead, "RemovalFailed", "NotDead", ended, created),
	}
	unhealthy := map[v1alpha1.ContainerHealth]string{
		v1alpha1.ContainerHealthUnhealthy: "Unhealthy",
		v1alpha1.ContainerHealthStarting:  "Starting",
	}[s.Health]
	if s.Health != "" {
		conditions = append(conditions, either(v1alpha1.ContainerHealthy, s.Health == v1alpha1.ContainerHealthHealthy, "Healthy", unhealthy, started, started))
	}
	return conditions
}

func runningCondition(s *v1alpha1.ContainerStatus, started, ended metav1.Time) metav1.Condition {
	reason, message := "StatusUnknown", ""
	switch s.Status {
	case v1alpha1.ContainerDockerStatusRunning:
		return source.Condition(v1alpha1.ContainerRunning, true, "Started", "", started)
	case v1alpha1.ContainerDockerStatusPaused, v1alpha1.ContainerDockerStatusPausing:
		return source.Condition(v1alpha1.ContainerRunning, true, "Paused", "", started)
	case v1alpha1.ContainerDockerStatusCreated:
		reason = "NeverStarted"
		if s.Error != "" {
			reason, message = "StartFailed", s.Error
		}
	case v1alpha1.ContainerDockerStatusExited:
		reason, message = "Exited", fmt.Sprintf("exit code %d", s.ExitCode)
		if s.Error != "" {
			message += ": " + s.Error
		}
	case v1alpha1.ContainerDockerStatusRestarting:
		reason, message = "Restarting", fmt.Sprintf("exit code %d", s.ExitCode)
	case v1alpha1.ContainerDockerStatusRemoving:
		reason = "Removing"
	case v1alpha1.ContainerDockerStatusDead:
		reason = "Dead"
	}
	return source.Condition(v1alpha1.ContainerRunning, false, reason, message, ended)
}

// keepTransitions sets the times of conditions that were seen before. A condition with the same status keeps its time.
// A condition with another status has changed now. Running is left out, because Docker says when it changed.
func keepTransitions(conditions, before []metav1.Condition, now metav1.Time) {
	for i := range conditions {
		c := &conditions[i]
		seen := meta.FindStatusCondition(before, c.Type)
		if c.Type == v1alpha1.ContainerRunning || seen == nil {
			continue
		}
		if seen.Status == c.Status {
			c.LastTransitionTime = seen.LastTransitionTime
		} else {
			c.LastTransitionTime = source.Latest(&c.LastTransitionTime, &now) // Docker's clock may be ahead
		}
	}
}
