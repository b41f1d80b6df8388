// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// lookups is how often find inspects an image whose answer does not have the name that find looks for.
const lookups = 10

var imageResource = v1alpha1.Resource("images")

// Source is the source of the engine's images. A subject is one of four things: an image ID; a reference that an event
// named, which shows no object and leads to the images that have it or had it; the move of a tag, which leads to the tag's
// new owner and to its former owner; or a container that came or went, which leads to its image.
type Source struct {
	source.Base
	clock clock.PassiveClock
	// hasRead reports whether the images have been read at least once since the server started.
	hasRead   func() bool
	index     index
	sightings sightings
	usage     *source.Usage // by containers, of image IDs
	applied   applied
	// tagging has room for the one change of a tag that may be under way.
	tagging chan struct{}

	mu    sync.Mutex
	lists *lists // of the newest connection
}

// New returns the source of an engine's images. hasRead reports whether the images have been read at least once since
// the server started.
func New(engine source.Engine, hasRead func() bool) *Source {
	usage := source.NewUsage(engine.Client, func(user source.User) []string { return []string{names.ImageID(user.ImageID)} })
	return &Source{Base: source.NewBase(engine, imageResource), clock: clock.RealClock{}, hasRead: hasRead, usage: usage, tagging: make(chan struct{}, 1)}
}

// invisible lists the actions that change nothing that an image shows.
var invisible = sets.New(events.ActionPush, events.ActionSave)

// Hear marks the images that an event may change. Docker's events are described in its file api/types/events/events.go.
func (s *Source) Hear(event source.Event) {
	if subject, ok := s.usage.Hear(event); ok {
		s.MarkDirty(subject)
		return
	}
	switch {
	case event.Type == events.ContainerEventType && event.Verb() == events.ActionCommit:
		s.MarkAllDirty() // Docker raises no event for an image without a tag
	case event.Type == events.ImageEventType && !invisible.Has(event.Verb()):
		s.hearOfImage(event)
	}
}

func (s *Source) hearOfImage(event source.Event) {
	id := names.ImageID(event.Actor.ID)
	if names.IsFullImageID(id) {
		s.MarkDirty(subjectOf(event, id))
	} else if reference, ok := names.NormalReference(id); ok {
		s.MarkDirty(reference)
	} else {
		s.MarkAllDirty()
	}
}

// subjectOf returns the subject of an event about an image. After a tag moved, its former owner has lost it. That stays
// true if the new owner loses the tag before it is observed.
func subjectOf(event source.Event, id string) string {
	name := event.Actor.Attributes.Name
	if event.Action == events.ActionTag && !names.IsFullImageID(names.ImageID(name)) {
		if tag, ok := names.NormalReference(name); ok {
			return moveSubject(tag, id)
		}
	}
	return id
}

// Subjects lists the IDs of all images that docker images shows.
func (s *Source) Subjects(ctx context.Context) (ids []string, err error) {
	s.usage.Read(ctx)
	err = s.Client.Read(ctx, connection.ListTimeout, func(ctx context.Context, c *connection.Connection) error {
		ids, err = s.on(c).ids(ctx)
		return err
	})
	if err != nil {
		return nil, s.Client.ListError(imageResource, err)
	}
	return ids, nil
}

// Observe inspects one image, or finds the images that another subject leads to.
func (s *Source) Observe(ctx context.Context, subject string) (map[string]runtime.Object, []string, error) {
	if images, ok, err := s.usage.Observe(ctx, subject); ok {
		return nil, images, connection.APIError("list", v1alpha1.Resource("containers"), subject, err)
	}
	if tag, id, ok := movedTag(subject); ok {
		return s.observeMove(ctx, tag, id)
	}
	began := s.index.begin()
	defer s.index.end()
	response, err := s.inspect(ctx, subject)
	if err != nil {
		return nil, nil, connection.APIError("inspect", imageResource, subject, err)
	}
	if !names.IsFullImageID(subject) {
		return nil, s.related(subject, response), nil
	}
	if response == nil || names.ImageID(response.ID) != subject {
		s.sightings.forget(subject)
		s.applied.forget(subject)
		return nil, s.index.remove(subject, began), nil
	}
	tags := tagsOf(response)
	shown, err := s.isShown(ctx, response, tags)
	if err != nil {
		return nil, nil, connection.APIError("list", imageResource, subject, err)
	}
	related := s.index.set(subject, indexedImage{
		imageNames: imageNames{tags, digestsOf(response)},
		//lint:ignore SA1019 only engines that hide parents fill it in, and nothing replaces it there
		parent:  names.ImageID(response.Parent),
		isShown: shown,
	}, began)
	if !shown {
		s.sightings.forget(subject)
		return nil, related, nil
	}
	images := imagesOf(response, tags, s.Namespace)
	for _, object := range images {
		object.Status.Dangling, object.Status.InUse = s.isDangling(response, tags), s.usage.InUse(ctx, subject)
	}
	s.applied.show(subject, images)
	s.sightings.see(subject, images, source.NowOf(s.clock), !s.hasRead())
	objects := map[string]runtime.Object{}
	for _, object := range images {
		objects[source.KeyOf(object)] = object
	}
	return objects, related, nil
}

// observeMove leads to the new owner of a tag and to the former owner. If id is empty, it asks Docker for the new
// owner.
func (s *Source) observeMove(ctx context.Context, tag, id string) (objects map[string]runtime.Object, related []string, err error) {
	if id == "" {
		if id, err = s.find(ctx, tag, tag); err != nil || id == "" {
			return nil, nil, err
		}
	}
	s.index.expect(tag, id)
	return nil, append([]string{id}, s.index.move(tag, id)...), nil
}

const moveOf = "move of "

// moveSubject returns the subject for the move of a tag to an image. id is empty if the image is not known.
func moveSubject(tag, id string) string { return moveOf + tag + " " + id }

// movedTag is the inverse of moveSubject.
func movedTag(subject string) (tag, id string, ok bool) {
	move, ok := strings.CutPrefix(subject, moveOf)
	tag, id, _ = strings.Cut(move, " ")
	return tag, id, ok
}

// related returns the images that have or had the reference.
func (s *Source) related(reference string, response *image.InspectResponse) []string {
	ids := s.index.move(reference, "") // no new owner, because the engine's answer may be out of date
	if response == nil || slices.Contains(ids, names.ImageID(response.ID)) {
		return ids
	}
	return append([]string{names.ImageID(response.ID)}, ids...)
}

// isShown reports whether docker images shows the image. It hides the images that the classic builder leaves for each
// step.
func (s *Source) isShown(ctx context.Context, response *image.InspectResponse, tags []string) (bool, error) {
	if len(tags) > 0 || len(digestsOf(response)) > 0 {
		return true, nil
	}
	shown := true
	err := s.Client.Read(ctx, connection.ListTimeout, func(ctx context.Context, c *connection.Connection) error {
		if !c.HidesParents() {
			return nil
		}
		dangling, err := s.on(c).dangling.Do(ctx)
		if connection.IsRefused(err) {
			return nil // the image exists, and nothing says that Docker hides it
		}
		shown = dangling[names.ImageID(response.ID)]
		return err
	})
	return shown, err
}

// isDangling reports whether docker images finds the image with the filter dangling=true.
func (s *Source) isDangling(response *image.InspectResponse, tags []string) bool {
	c, err := s.Client.Current()
	return len(tags) == 0 && (len(digestsOf(response)) == 0 || err == nil && c.HidesParents())
}

// NameOf returns the name of the Image that Docker means by name. For example, busybox and docker.io~library~busybox
// mean busybox:latest. It returns name itself if name cannot mean a tag.
func (s *Source) NameOf(name string) string {
	tag, err := names.TagOfName(name)
	if err != nil {
		return name
	}
	return containers.NameOfTag(tag)
}

// Lookup finds the image by its tag, its full ID or its 12-digit ID. A tag wins over an ID, as in Docker.
func (s *Source) Lookup(ctx context.Context, key string) (string, error) {
	namespace, name, _ := strings.Cut(key, "/")
	if namespace != s.Namespace {
		return "", nil
	}
	if tag, err := names.TagOfName(name); err == nil {
		if id, err := s.find(ctx, tag, tag); err != nil || id != "" {
			return id, err
		}
	}
	if !names.IsImageID(name) {
		return "", nil
	}
	return s.find(ctx, name, name)
}

// find returns the ID of the image that has the reference as a tag, or the name as an ID. It returns "" if there is
// none.
func (s *Source) find(ctx context.Context, reference, name string) (string, error) {
	// Docker accepts any unique prefix of an ID, and some engines accept more, so check what it found. The check can
	// fail for the right image: Docker finds the image first and reads its tags later, and the tag may move in between.
	// The next inspection then finds the tag's new owner.
	for range lookups {
		response, err := s.inspect(ctx, reference)
		switch {
		case err != nil:
			return "", connection.APIError("inspect", imageResource, name, err)
		case response == nil:
			return "", nil
		case slices.Contains(tagsOf(response), reference), names.IsIDOf(name, response.ID):
			return names.ImageID(response.ID), nil
		}
	}
	return "", nil
}

// Fence returns when every change that was complete before the call has been reported to the sink. Engines that hide
// parents raise no event for many changes of images. On these engines Fence also lists the images.
func (s *Source) Fence(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.Base.Fence(ctx) })
	group.Go(func() error {
		err := s.Client.Read(ctx, connection.ListTimeout, func(ctx context.Context, c *connection.Connection) error {
			if !comparesImages(c) {
				return nil
			}
			_, err := s.on(c).reports.Do(ctx)
			if connection.IsRefused(err) {
				return nil // the Engine's condition reports the refusal, and images stay as fresh as events make them
			}
			return err
		})
		return connection.APIError("list", imageResource, "", err)
	})
	return group.Wait()
}

// inspect returns Docker's answer about the image with that reference or ID, or nil if there is none. Docker decides
// what the name means.
func (s *Source) inspect(ctx context.Context, name string) (*image.InspectResponse, error) {
	if !names.IsImagePath(name) {
		return nil, nil
	}
	return connection.Inspect(ctx, s.Client, "/images/"+name+"/json", readImage, func(ctx context.Context, c *client.Client) (*image.InspectResponse, error) {
		response, err := c.ImageInspect(ctx, name)
		return &response, err
	})
}
