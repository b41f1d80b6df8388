// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/client"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/keylocks"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

var containerResource = v1alpha1.Resource("containers")

const defaultRemovalTimeout = 800 * time.Millisecond

// Source is the source of the engine's containers. A subject is a full container ID.
type Source struct {
	source.Base
	// Clock tells the time of transitions, and how long a graceful deletion waits for Docker.
	Clock clock.Clock
	// RemovalTimeout is how long an observation waits for the removal of a stopped container to end. After that, the
	// container is shown while it is being removed.
	RemovalTimeout time.Duration
	// EnsureImage makes the image of a new container present, if the spec allows it. Its errors are API errors.
	EnsureImage func(ctx context.Context, wanted *v1alpha1.Container) error
	// ShowEnvironment is false if the values of environment variables are hidden.
	ShowEnvironment bool

	overlays overlays
	locks    keylocks.Locks
	signals  signals
	// imageConfigs are the configurations of images by ID. An ID always has the same configuration.
	imageConfigs *lru.Cache
}

// New returns the source of an engine's containers.
func New(engine source.Engine) *Source {
	return &Source{
		Base: source.NewBase(engine, containerResource), Clock: clock.RealClock{}, RemovalTimeout: defaultRemovalTimeout,
		imageConfigs: lru.New(mostImages),
	}
}

// ambiguousPrefix is part of Docker's error, with status 500 or 400, for a name that several IDs begin with. No container
// has such a name: Docker looks for names first.
const ambiguousPrefix = "Multiple IDs found with provided prefix"

// invisible lists the actions that change nothing that a container shows.
var invisible = sets.New(events.ActionExecCreate, events.ActionExecStart, events.ActionExecDie, events.ActionExecDetach,
	events.ActionAttach, events.ActionDetach, events.ActionTop, events.ActionResize, events.ActionKill, events.ActionCopy,
	events.ActionArchivePath, events.ActionExtractToDir, events.ActionExport, events.ActionCheckpoint, events.ActionCommit)

// Hear marks the container that an event is about. Docker's events are described in its file api/types/events/events.go.
func (s *Source) Hear(event source.Event) {
	id := event.Actor.ID
	switch {
	case event.Type == events.NetworkEventType && names.IsFullID(event.Actor.Attributes.Container):
		s.MarkDirty(event.Actor.Attributes.Container) // it was connected to the network, or disconnected from it
	case event.Type != events.ContainerEventType:
	case event.Action == events.ActionKill && names.IsFullID(id):
		s.signals.sent(id)
	case invisible.Has(event.Verb()):
	case names.IsFullID(id):
		s.MarkDirty(id)
		if event.Action == events.ActionRename || event.Action == events.ActionDestroy {
			for _, other := range s.overlays.naming(id) {
				s.MarkDirty(other)
			}
		}
	default:
		s.MarkAllDirty()
	}
}

// Subjects lists the IDs of all containers.
func (s *Source) Subjects(ctx context.Context) (ids []string, err error) {
	err = s.Client.Read(ctx, connection.ListTimeout, func(ctx context.Context, c *connection.Connection) error {
		var ok bool
		if ids, ok = c.IDs(ctx, "/containers/json", url.Values{"all": {"1"}}); ok {
			return nil
		}
		found, err := c.Docker.ContainerList(ctx, container.ListOptions{All: true})
		ids = nil
		for _, summary := range found {
			ids = append(ids, summary.ID)
		}
		return err
	})
	if err != nil {
		return nil, s.Client.ListError(containerResource, err)
	}
	return ids, nil
}

// Observe inspects one container.
func (s *Source) Observe(ctx context.Context, id string) (map[string]runtime.Object, []string, error) {
	object, err := s.observe(ctx, id)
	if err == nil && isRemoving(object) && s.overlays.wasStopped(id) && s.isRemovedSoon(ctx, id) {
		object, err = s.observe(ctx, id)
	}
	if err != nil {
		return nil, nil, connection.APIError("inspect", containerResource, id, err)
	}
	if object == nil {
		s.overlays.forget(id)
		return nil, nil, nil
	}
	s.overlays.show(object)
	return map[string]runtime.Object{source.KeyOf(object): object}, nil, nil
}

// observe returns the container as it is now, without its overlay. It returns nil if the container is gone. Most
// answers have the same text as the answer before. observe does not decode such an answer again.
func (s *Source) observe(ctx context.Context, id string) (*v1alpha1.Container, error) {
	if !names.IsPathSegment(id) {
		return nil, nil
	}
	last, digest := s.overlays.recall(id)
	usual := s.engineDefaults(ctx)
	seen, err := connection.Inspect(ctx, s.Client, "/containers/"+id+"/json", func(answer []byte) (*inspected, error) {
		seen := &inspected{digest: digestOf(answer, usual)}
		if last != nil && seen.digest == digest && digest != noDigest {
			return seen, nil
		}
		var err error
		seen.response, err = readContainer(answer, last == nil || digest == noDigest)
		return seen, err
	}, func(ctx context.Context, c *client.Client) (*inspected, error) {
		response, err := c.ContainerInspect(ctx, id)
		return &inspected{response: &response}, err
	})
	switch {
	case err != nil || seen == nil:
		return nil, err
	case seen.response == nil:
		return last, nil
	case seen.response.ContainerJSONBase == nil || seen.response.ID != id: // the answer is about another container
		return nil, nil
	}
	about := s.circumstancesOf(ctx, seen.response, usual)
	if about.mayChange() {
		seen.digest = noDigest
	}
	return s.convert(id, seen, about, last, digest != noDigest), nil
}

// convert makes a Container from Docker's answer. It takes over from last the times of conditions that have not changed and,
// if keepsLabels is true, the labels, which never change.
func (s *Source) convert(id string, seen *inspected, about circumstances, last *v1alpha1.Container, keepsLabels bool) *v1alpha1.Container {
	seen.response.ID = id // an equal string that is already in memory
	object := containerOf(seen.response, s.Namespace, about)
	if last != nil {
		if keepsLabels {
			object.Labels, object.Spec.Labels, object.Status.Labels = last.Labels, last.Spec.Labels, last.Status.Labels
		}
		keepTransitions(object.Status.Conditions, last.Status.Conditions, source.NowOf(s.Clock))
	}
	if !s.ShowEnvironment {
		s.overlays.hideEnvironment(object)
	}
	s.overlays.learn(object, seen)
	return object
}

// inspected is Docker's answer about a container. response is nil if it has the same text as the answer before.
type inspected struct {
	response *container.InspectResponse
	digest   digest
}

func isRemoving(c *v1alpha1.Container) bool {
	return c != nil && c.Status.Status == v1alpha1.ContainerDockerStatusRemoving
}

// isRemovedSoon waits for the end of a removal, up to RemovalTimeout. The removal of a stopped container is not worth
// showing unless it takes longer.
func (s *Source) isRemovedSoon(ctx context.Context, id string) bool {
	err := s.Client.Read(ctx, s.RemovalTimeout, func(ctx context.Context, c *connection.Connection) error {
		return waitUntilRemoved(ctx, c, id)
	})
	return err == nil || errdefs.IsNotFound(err)
}

// Lookup finds the container by its name, its full ID or its 12-digit ID.
func (s *Source) Lookup(ctx context.Context, key string) (string, error) {
	namespace, name, _ := strings.Cut(key, "/")
	if namespace != s.Namespace {
		return "", nil
	}
	if containers.IsMadeName(name) {
		return s.findMade(ctx, name)
	}
	response, err := s.inspect(ctx, name)
	if err != nil {
		return "", connection.APIError("inspect", containerResource, name, err)
	}
	// Docker accepts any unique prefix of an ID. This API accepts only the full ID and 12 digits.
	if response == nil || containers.ObjectName(containerName(response)) != name && !names.IsIDOf(name, response.ID) {
		return "", nil
	}
	return response.ID, nil
}

// findMade finds the container of an object whose name was made, because its Docker name cannot be an object's name.
func (s *Source) findMade(ctx context.Context, name string) (id string, err error) {
	err = s.Client.Read(ctx, connection.ListTimeout, func(ctx context.Context, c *connection.Connection) error {
		found, err := c.Docker.ContainerList(ctx, container.ListOptions{All: true})
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
		return "", connection.APIError("list", containerResource, name, err)
	}
	return id, nil
}

// inspect returns Docker's answer about the container with that name or ID, or nil if there is none. Docker decides
// what the name means.
func (s *Source) inspect(ctx context.Context, name string) (*container.InspectResponse, error) {
	if !names.IsPathSegment(name) {
		return nil, nil
	}
	response, err := connection.Inspect(ctx, s.Client, "/containers/"+name+"/json", connection.ReadWhole[container.InspectResponse],
		func(ctx context.Context, c *client.Client) (*container.InspectResponse, error) {
			response, err := c.ContainerInspect(ctx, name)
			return &response, err
		})
	if err != nil && strings.Contains(err.Error(), ambiguousPrefix) {
		return nil, nil
	}
	if err != nil || response == nil || response.ContainerJSONBase == nil {
		return nil, err
	}
	return response, nil
}
