// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// step is a call that brings a container nearer to what was asked for. Most steps have the name of the action that
// makes the same call.
type step string

const (
	stepNone    step = "" // nothing to do
	stepStart   step = "start"
	stepStop    step = "stop"
	stepPause   step = "pause"
	stepUnpause step = "unpause"
	stepRestart step = "restart"
	// stepRefuseStopped makes no call, but fails. Docker's own refusal does not say that the container is not running.
	stepRefuseStopped step = "refuse"
)

// steps holds the step to take from each state of a container. If no step leads to what was asked for, it holds the
// step that Docker refuses with the best explanation.
type steps struct{ running, paused, stopped step }

// stepsToState holds the steps that lead to each value of spec.state.
var stepsToState = map[v1alpha1.ContainerState]steps{
	v1alpha1.ContainerStateRunning: {running: stepNone, paused: stepUnpause, stopped: stepStart},
	v1alpha1.ContainerStatePaused:  {running: stepPause, paused: stepNone, stopped: stepPause},
	v1alpha1.ContainerStateCreated: {running: stepStop, paused: stepStop, stopped: stepNone},
}

// stepsOfAction holds the steps of each action. An action that has nothing to do succeeds.
var stepsOfAction = map[v1alpha1.ContainerAction]steps{
	v1alpha1.ContainerActionStart:   {running: stepNone, paused: stepStart, stopped: stepStart},
	v1alpha1.ContainerActionStop:    {running: stepStop, paused: stepStop, stopped: stepNone},
	v1alpha1.ContainerActionPause:   {running: stepPause, paused: stepNone, stopped: stepPause},
	v1alpha1.ContainerActionUnpause: {running: stepNone, paused: stepUnpause, stopped: stepRefuseStopped},
	v1alpha1.ContainerActionRestart: {running: stepRestart, paused: stepRestart, stopped: stepRestart},
}

// from returns the step to take from a status of Docker's.
func (s steps) from(status v1alpha1.ContainerDockerStatus) step {
	switch stateOf(status) {
	case v1alpha1.ContainerStateRunning:
		return s.running
	case v1alpha1.ContainerStatePaused:
		return s.paused
	case v1alpha1.ContainerStateCreated:
		return s.stopped
	}
	return stepNone
}

// stepOf returns the step of an action. If the status is not known, it leaves the decision to Docker.
func stepOf(action v1alpha1.ContainerAction, status v1alpha1.ContainerDockerStatus) step {
	if status == v1alpha1.ContainerDockerStatusUnknown {
		return step(action)
	}
	return stepsOfAction[action].from(status)
}

// perform makes the call of a step. A stop or restart kills the container after a timeout, or after the container's own
// one if timeout is nil.
func perform(ctx context.Context, c *connection.Connection, id string, next step, timeout *int) error {
	switch next {
	case stepNone:
		return nil
	case stepStart:
		return c.Docker.ContainerStart(ctx, id, container.StartOptions{})
	case stepStop:
		return c.Docker.ContainerStop(ctx, id, container.StopOptions{Timeout: timeout})
	case stepPause:
		return c.Docker.ContainerPause(ctx, id)
	case stepUnpause:
		return c.Docker.ContainerUnpause(ctx, id)
	case stepRestart:
		return c.Docker.ContainerRestart(ctx, id, container.StopOptions{Timeout: timeout})
	case stepRefuseStopped:
		return errdefs.ErrConflict.WithMessage(fmt.Sprintf("Container %s is not running", id))
	}
	return errdefs.ErrInvalidArgument.WithMessage(fmt.Sprintf("there is no action %q", next))
}
