// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/warning"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// undoTimeout is how long the removal of a container may take that could not be made as it was asked for.
const undoTimeout = 30 * time.Second

// stepsToNewState holds the steps that bring a new container to its state.
var stepsToNewState = map[v1alpha1.ContainerState][]step{
	"":                             {stepStart},
	v1alpha1.ContainerStateRunning: {stepStart},
	v1alpha1.ContainerStatePaused:  {stepStart, stepPause},
}

// made is a container that was made.
type made struct {
	id       string
	warnings []string
}

// Create makes a container and starts it, unless spec.state says otherwise. A container that Docker refuses to start stays,
// and the client gets a warning. If the request ends earlier, Create still goes on to its end. object then has the
// identity of the container, which may be gone already.
func (s *Source) Create(ctx context.Context, _ string, object runtime.Object) (string, error) {
	wanted := object.(*v1alpha1.Container)
	if !names.IsCommon(wanted.Name) {
		return "", apierrors.NewBadRequest(fmt.Sprintf("creating container %q: Docker takes no such name", wanted.Name))
	}
	current, err := s.Client.Current()
	if err != nil {
		return "", err
	}
	if _, err := creationFor(current, wanted); err != nil { // before a pull that would be in vain
		return "", err
	}
	if err := s.checkReferences(ctx, wanted); err != nil {
		return "", err
	}
	if s.EnsureImage != nil {
		if err := s.EnsureImage(ctx, wanted); err != nil {
			return "", err
		}
	}
	if err := ctx.Err(); err != nil {
		return "", connection.APIError("create", containerResource, wanted.Name, err)
	}
	var result made
	err = s.Client.Operate(ctx, "create", containerResource, wanted.Name, func(ctx context.Context, c *connection.Connection) (err error) {
		result, err = s.make(ctx, c, wanted)
		return err
	})
	if err != nil {
		return "", err
	}
	warn(ctx, result.warnings)
	wanted.UID = source.UIDOf("Container", result.id, wanted.Name)
	return result.id, nil
}

// warn passes warnings on to the client. A call may outlive its request, so warn is called after the call: only then is it
// certain that the request can still take them.
func warn(ctx context.Context, warnings []string) {
	for _, words := range warnings {
		warning.AddWarning(ctx, "", words)
	}
}

// creationFor returns what the engine is asked for. Its error is an API error.
func creationFor(c *connection.Connection, wanted *v1alpha1.Container) (*creation, error) {
	result, err := creationOf(wanted, c.Docker.ClientVersion())
	if wrong := (*field.Error)(nil); errors.As(err, &wrong) {
		return nil, invalid(wanted, wrong)
	} else if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	return result, nil
}

// make makes a container, connects it to its networks, and brings it to its state.
func (s *Source) make(ctx context.Context, c *connection.Connection, wanted *v1alpha1.Container) (made, error) {
	creation, err := creationFor(c, wanted)
	if err != nil {
		return made{}, err
	}
	var answer container.CreateResponse
	err = connection.Change(ctx, func(ctx context.Context) (err error) {
		answer, err = c.Docker.ContainerCreate(ctx, creation.config, creation.host, creation.networking, creation.platform, wanted.Name)
		return err
	})
	if err != nil {
		return made{}, creationError(wanted, err)
	}
	if !names.IsFullID(answer.ID) {
		return made{}, fmt.Errorf("the container engine answered the creation of %q with %q, which is not a container ID", wanted.Name, answer.ID)
	}
	defer s.MarkDirty(answer.ID)
	result := made{answer.ID, answer.Warnings}
	s.overlays.change(result.id, func(o *overlay) { o.lastApplied = source.AppliedTo(wanted) })
	if err := connectAll(ctx, c, result.id, creation.later); err != nil {
		return made{}, s.undo(ctx, c, result.id, creationError(wanted, err))
	}
	for _, next := range stepsToNewState[wanted.Spec.State] {
		err := connection.Change(ctx, func(ctx context.Context) error { return perform(ctx, c, result.id, next, nil) })
		if err == nil {
			continue
		}
		words, err := s.unstarted(ctx, wanted, result.id, next, err)
		if err != nil {
			return made{}, err
		}
		result.warnings = append(result.warnings, words)
		break
	}
	return result, nil
}

// unstarted returns what to tell the client about a container that could not be brought to its state. It returns an error if
// Docker did not answer, or if the container is not there any more.
func (s *Source) unstarted(ctx context.Context, wanted *v1alpha1.Container, id string, failed step, err error) (words string, _ error) {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || s.Client.OrUnavailable(err) != err {
		return "", err
	}
	words = connection.Words(err)
	there, inspectErr := s.inspect(ctx, id)
	switch {
	case inspectErr != nil:
		return "", inspectErr
	case there != nil && failed == stepPause && there.State != nil && !there.State.Running:
		return "the container was started, and it ended before Docker could pause it", nil
	case there != nil:
		return fmt.Sprintf("the container was created, but Docker could not %s it: %s", failed, words), nil
	case failed == stepPause:
		return "", nil // it has ended, and spec.autoRemove has removed it
	case connection.IsConflict(err):
		return "", apierrors.NewConflict(containerResource, wanted.Name, fmt.Errorf("it could not be started, and Docker removed it because of spec.autoRemove: %s", words))
	}
	return "", invalid(wanted, field.Invalid(specPath, field.OmitValueType{}, "Docker could not start it, and removed it because of spec.autoRemove: "+words))
}

// undo removes a container that could not be made as it was asked for, with its anonymous volumes. It returns err.
func (s *Source) undo(ctx context.Context, c *connection.Connection, id string, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	undoErr := c.Docker.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if undoErr == nil || errdefs.IsNotFound(undoErr) {
		return err
	}
	return fmt.Errorf("%w. The container %s could not be removed again, so remove it: %s", err, id, connection.Words(undoErr))
}
