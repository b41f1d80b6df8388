// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/containerd/errdefs"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/warning"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// Update carries out the difference between old and updated: a change of the spec, an action or a graceful deletion.
func (s *Source) Update(ctx context.Context, id string, old, updated runtime.Object) error {
	before, after := old.(*v1alpha1.Container), updated.(*v1alpha1.Container)
	if !names.IsFullID(id) {
		return apierrors.NewNotFound(containerResource, after.Name)
	}
	if isNewDeletion(before, after) {
		return s.deleteGracefully(ctx, id, after)
	}
	change, err := specChangeOf(before, after)
	if err != nil {
		return err
	}
	if before.DeletionTimestamp != nil && (!change.isEmpty() || newAction(before, after) != "") {
		return apierrors.NewConflict(containerResource, after.Name, errors.New("it is being deleted"))
	}
	if !change.isEmpty() {
		if err := s.update(ctx, id, before, after, change); err != nil {
			return err
		}
	}
	if applied := source.AppliedTo(after); applied != source.AppliedTo(before) {
		s.overlays.change(id, func(o *overlay) { o.lastApplied = applied })
		s.MarkDirty(id)
	}
	if action := newAction(before, after); action != "" {
		return s.act(ctx, id, after.Name, action, stopTimeout(after))
	}
	return nil
}

func newAction(before, after *v1alpha1.Container) v1alpha1.ContainerAction {
	action := after.Annotations[v1alpha1.ActionAnnotation]
	if action == before.Annotations[v1alpha1.ActionAnnotation] {
		return ""
	}
	return v1alpha1.ContainerAction(action)
}

// stopTimeout returns the timeout that goes with an action, in seconds, or nil. It has been validated.
func stopTimeout(c *v1alpha1.Container) *int {
	seconds, err := strconv.Atoi(c.Annotations[v1alpha1.StopTimeoutAnnotation])
	if err != nil {
		return nil
	}
	return &seconds
}

// update changes the spec of a container.
func (s *Source) update(ctx context.Context, id string, before, after *v1alpha1.Container, change specChange) error {
	if access := s.Client.Access(); change.needsFull() && !access.Includes(connection.Full) {
		return apierrors.NewForbidden(containerResource, after.Name,
			fmt.Errorf("only spec.state can be changed, because the server runs with --engine-access=%s: the other fields need %s", access, connection.Full))
	}
	var warnings []string
	err := s.inTurn(ctx, "update", id, after.Name, func(ctx context.Context, c *connection.Connection) (err error) {
		warnings, err = s.changeSpec(ctx, c, id, before, after, change)
		return err
	})
	if err != nil {
		return err
	}
	warn(ctx, warnings)
	return nil
}

// setState brings a container that has its turn to a state. It looks at the container's current state only now.
func (s *Source) setState(ctx context.Context, c *connection.Connection, id, name string, state v1alpha1.ContainerState) error {
	status, err := s.statusNow(ctx, id, name)
	if err != nil {
		return err
	}
	if statusOf(status) == v1alpha1.ContainerDockerStatusUnknown {
		return apierrors.NewConflict(containerResource, name, fmt.Errorf("its status in Docker, %q, is not known to this version", status))
	}
	return s.performChecked(ctx, c, id, stepsToState[state].from(statusOf(status)), nil)
}

// act carries out an action and records its outcome. If the action fails, the client gets a warning instead of an
// error.
func (s *Source) act(ctx context.Context, id, name string, action v1alpha1.ContainerAction, timeout *int) error {
	observed := metav1.Now().Rfc3339Copy()
	words := ""
	err := s.inTurn(ctx, string(action), id, name, func(ctx context.Context, c *connection.Connection) error {
		status, err := s.statusNow(ctx, id, name)
		if err == nil {
			err = s.performChecked(ctx, c, id, stepOf(action, statusOf(status)), timeout)
		}
		words = s.recordAction(id, action, observed, err)
		return err
	})
	if apierrors.IsNotFound(err) || apierrors.IsTimeout(err) || apierrors.IsServiceUnavailable(err) {
		return err
	}
	if err != nil {
		warning.AddWarning(ctx, "", fmt.Sprintf("the action %s failed: %s", action, words))
	}
	return nil
}

// statusNow returns the container's status in Docker's own words.
func (s *Source) statusNow(ctx context.Context, id, name string) (string, error) {
	inspected, err := s.inspect(ctx, id)
	if err != nil {
		return "", err
	}
	if inspected == nil || inspected.State == nil {
		return "", apierrors.NewNotFound(containerResource, name)
	}
	return inspected.State.Status, nil
}

// recordAction notes how an action ended, and returns the text of its error.
func (s *Source) recordAction(id string, action v1alpha1.ContainerAction, observed metav1.Time, err error) string {
	outcome := s.outcome(action, observed, err)
	s.overlays.change(id, func(o *overlay) { o.lastAction = outcome })
	return outcome.Error
}

// outcome returns what status.lastAction shows of an action that ends now.
func (s *Source) outcome(action v1alpha1.ContainerAction, observed metav1.Time, err error) *v1alpha1.ContainerLastAction {
	completed := metav1.Now().Rfc3339Copy()
	outcome := &v1alpha1.ContainerLastAction{
		Action: action, State: v1alpha1.ContainerActionSucceeded, ObservedAt: observed, CompletedAt: &completed,
	}
	if err != nil {
		outcome.State, outcome.Error = v1alpha1.ContainerActionFailed, connection.Words(s.Client.OrUnavailable(err))
	}
	return outcome
}

// performChecked performs a step. A not-found error means that the container is gone.
func (s *Source) performChecked(ctx context.Context, c *connection.Connection, id string, next step, timeout *int) error {
	return s.checkNotFound(ctx, id, connection.Change(ctx, func(ctx context.Context) error { return perform(ctx, c, id, next, timeout) }))
}

// checkNotFound returns err, the error of a change of the container. If err is a not-found error, it checks whether the
// container itself is missing. If the container is there, the error is a conflict: Docker misses something else, such
// as a network, or a filter before Docker refuses the change.
func (s *Source) checkNotFound(ctx context.Context, id string, err error) error {
	if !errdefs.IsNotFound(err) {
		return err
	}
	inspected, inspectErr := s.inspect(ctx, id)
	switch {
	case inspectErr != nil:
		return inspectErr
	case inspected != nil:
		return errdefs.ErrConflict.WithMessage(connection.Words(err))
	}
	return err
}

// inTurn makes a call after all earlier calls for the container have ended.
func (s *Source) inTurn(ctx context.Context, verb, id, name string, call func(context.Context, *connection.Connection) error) error {
	unlock, err := s.locks.Lock(ctx, id)
	if err != nil {
		return connection.APIError(verb, containerResource, name, err)
	}
	return s.Client.Outlive(ctx, verb, containerResource, name, func(ctx context.Context) error {
		defer unlock()
		return s.call(ctx, id, call)
	})
}

// call makes a call that changes a container. It has the container observed afterwards, even if the call fails.
func (s *Source) call(ctx context.Context, id string, call func(context.Context, *connection.Connection) error) error {
	c, err := s.Client.Current()
	if err != nil {
		return err
	}
	defer s.MarkDirty(id)
	return call(ctx, c)
}

// stopSeconds returns a grace period in the form that Docker takes. A period that overflows Docker's counter would end
// at once, so it is cut.
func stopSeconds(grace int64) *int {
	seconds := int(min(grace, math.MaxInt64/int64(time.Second)))
	return &seconds
}
