// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"net/url"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/clock"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

var containerResource = v1alpha1.Resource("containers")

// Containers is the source of the engine's containers. A subject is a full container ID.
type Containers struct {
	engine   *Engine
	sink     Sink
	clock    clock.Clock
	overlays overlays
	locks    keyLocks
	signals  signals
}

func newContainers(e *Engine) *Containers { return &Containers{engine: e, clock: clock.RealClock{}} }

// Subjects lists the IDs of all containers.
func (s *Containers) Subjects(ctx context.Context) (ids []string, err error) {
	err = s.engine.read(ctx, listTimeout, func(ctx context.Context, c *connection) error {
		var ok bool
		if ids, ok = c.ids(ctx, "/containers/json", url.Values{"all": {"1"}}); ok {
			return nil
		}
		found, err := c.client.ContainerList(ctx, container.ListOptions{All: true})
		ids = nil
		for _, summary := range found {
			ids = append(ids, summary.ID)
		}
		return err
	})
	if err != nil {
		return nil, s.engine.listError(containerResource, err)
	}
	return ids, nil
}

// Observe inspects one container.
func (s *Containers) Observe(ctx context.Context, id string) (map[string]runtime.Object, []string, error) {
	object, err := s.observe(ctx, id)
	if err == nil && isRemoving(object) && s.overlays.wasStopped(id) && s.isRemovedSoon(ctx, id) {
		object, err = s.observe(ctx, id)
	}
	if err != nil {
		return nil, nil, apiError("inspect", containerResource, id, err)
	}
	if object == nil {
		s.overlays.forget(id)
		return nil, nil, nil
	}
	s.overlays.show(object)
	return map[string]runtime.Object{keyOf(object): object}, nil, nil
}

// observe returns the container as it is now, without its overlay. It returns nil if the container is gone. Most
// answers have the same text as the answer before. observe does not decode such an answer again.
func (s *Containers) observe(ctx context.Context, id string) (*v1alpha1.Container, error) {
	if !isPathSegment(id) {
		return nil, nil
	}
	return inspect(ctx, s.engine, "/containers/"+id+"/json", func(answer []byte) (*v1alpha1.Container, error) {
		last, isSame := s.overlays.recall(id, answer)
		if isSame {
			return last, nil
		}
		response, err := readContainer(answer, last == nil)
		if err != nil {
			return nil, err
		}
		return s.convert(id, response, answer, last), nil
	}, func(ctx context.Context, c *client.Client) (*v1alpha1.Container, error) {
		last, _ := s.overlays.recall(id, nil)
		response, err := c.ContainerInspect(ctx, id)
		return s.convert(id, &response, nil, last), err
	})
}

// convert makes a Container from Docker's answer. It returns nil if the answer is about another container. It takes
// over two things from last: the labels, which never change, and the times of conditions that have not changed.
func (s *Containers) convert(id string, response *container.InspectResponse, answer []byte, last *v1alpha1.Container) *v1alpha1.Container {
	if response.ContainerJSONBase == nil || response.ID != id {
		return nil
	}
	response.ID = id // an equal string that is already in memory
	object := containerOf(response, s.engine.namespace)
	if last != nil {
		object.Labels, object.Status.Labels = last.Labels, last.Status.Labels
		keepTransitions(object.Status.Conditions, last.Status.Conditions, nowOf(s.clock))
	}
	s.overlays.learn(object, stopTimeoutOf(response), answer)
	return object
}

func isRemoving(c *v1alpha1.Container) bool {
	return c != nil && c.Status.Status == v1alpha1.ContainerDockerStatusRemoving
}

// isRemovedSoon waits for the end of a removal, up to removalTimeout. The removal of a stopped container is not worth
// showing unless it takes longer.
func (s *Containers) isRemovedSoon(ctx context.Context, id string) bool {
	err := s.engine.read(ctx, s.engine.removalTimeout, func(ctx context.Context, c *connection) error {
		return waitUntilRemoved(ctx, c, id)
	})
	return err == nil || errdefs.IsNotFound(err)
}

// Lookup finds the container by its name, its full ID or its 12-digit ID.
func (s *Containers) Lookup(ctx context.Context, key string) (string, error) {
	namespace, name, _ := strings.Cut(key, "/")
	if namespace != s.engine.namespace {
		return "", nil
	}
	if containers.IsMadeName(name) {
		return s.findMade(ctx, name)
	}
	response, err := s.inspect(ctx, name)
	if err != nil {
		return "", apiError("inspect", containerResource, name, err)
	}
	// Docker accepts any unique prefix of an ID. This API accepts only the full ID and 12 digits.
	if response == nil || containers.ObjectName(containerName(response)) != name && !isIDOf(name, response.ID) {
		return "", nil
	}
	return response.ID, nil
}

// findMade finds the container of an object whose name was made, because its Docker name cannot be an object's name.
func (s *Containers) findMade(ctx context.Context, name string) (id string, err error) {
	err = s.engine.read(ctx, listTimeout, func(ctx context.Context, c *connection) error {
		found, err := c.client.ContainerList(ctx, container.ListOptions{All: true})
		for _, summary := range found {
			for _, other := range summary.Names {
				if containers.ObjectName(strings.TrimPrefix(other, "/")) == name {
					id = summary.ID
				}
			}
		}
		return err
	})
	if err != nil {
		return "", apiError("list", containerResource, name, err)
	}
	return id, nil
}

// Fence returns when every change that was complete before the call has been reported to the sink.
func (s *Containers) Fence(ctx context.Context) error { return s.engine.Fence(ctx) }

// Create always fails: the API does not offer it.
func (s *Containers) Create(context.Context, string, runtime.Object) (string, error) {
	return "", apierrors.NewMethodNotSupported(containerResource, "create")
}

// inspect returns Docker's answer about the container with that name or ID, or nil if there is none. Docker decides
// what the name means.
func (s *Containers) inspect(ctx context.Context, name string) (*container.InspectResponse, error) {
	if !isPathSegment(name) {
		return nil, nil
	}
	response, err := inspect(ctx, s.engine, "/containers/"+name+"/json", readWhole[container.InspectResponse],
		func(ctx context.Context, c *client.Client) (*container.InspectResponse, error) {
			response, err := c.ContainerInspect(ctx, name)
			return &response, err
		})
	if err != nil || response == nil || response.ContainerJSONBase == nil {
		return nil, err
	}
	return response, nil
}
