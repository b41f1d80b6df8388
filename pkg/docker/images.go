// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/clock"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// lookups is how often find inspects an image whose answer does not have the name that find looks for.
const lookups = 10

var imageResource = v1alpha1.Resource("images")

// Images is the source of the engine's images. A subject is one of three things: an image ID; a reference that an event
// named, which shows no object and leads to the images that have it or had it; or the move of a tag, which leads to the
// tag's new owner and to its former owner.
type Images struct {
	engine    *Engine
	sink      Sink
	clock     clock.PassiveClock
	index     imageIndex
	sightings sightings
}

func newImages(e *Engine) *Images { return &Images{engine: e, clock: clock.RealClock{}} }

// Subjects lists the IDs of all images that docker images shows.
func (s *Images) Subjects(ctx context.Context) (ids []string, err error) {
	err = s.engine.read(ctx, listTimeout, func(ctx context.Context, c *connection) error {
		ids, err = c.imageLists.ids(ctx)
		return err
	})
	if err != nil {
		return nil, s.engine.listError(imageResource, err)
	}
	return ids, nil
}

// Observe inspects one image, or finds the images that a reference leads to.
func (s *Images) Observe(ctx context.Context, subject string) (map[string]runtime.Object, []string, error) {
	if tag, id, ok := movedTag(subject); ok {
		return s.observeMove(ctx, tag, id)
	}
	began := s.index.begin()
	defer s.index.end()
	response, err := s.inspect(ctx, subject)
	if err != nil {
		return nil, nil, apiError("inspect", imageResource, subject, err)
	}
	if !fullImageID.MatchString(subject) {
		return nil, s.related(subject, response), nil
	}
	if response == nil || imageID(response.ID) != subject {
		s.sightings.forget(subject)
		return nil, s.index.remove(subject, began), nil
	}
	tags := tagsOf(response)
	shown, err := s.isShown(ctx, response, tags)
	if err != nil {
		return nil, nil, apiError("list", imageResource, subject, err)
	}
	related := s.index.set(subject, indexedImage{
		imageNames: imageNames{tags, digestsOf(response)},
		//lint:ignore SA1019 only engines that hide parents fill it in, and nothing replaces it there
		parent:  imageID(response.Parent),
		isShown: shown,
	}, began)
	if !shown {
		s.sightings.forget(subject)
		return nil, related, nil
	}
	images := imagesOf(response, tags, s.engine.namespace)
	s.sightings.see(subject, images, nowOf(s.clock), !s.engine.engines.hasRead(imageResource.Resource))
	objects := map[string]runtime.Object{}
	for _, object := range images {
		objects[keyOf(object)] = object
	}
	return objects, related, nil
}

// observeMove leads to the new owner of a tag and to the former owner. If id is empty, it asks Docker for the new
// owner.
func (s *Images) observeMove(ctx context.Context, tag, id string) (objects map[string]runtime.Object, related []string, err error) {
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
func (s *Images) related(reference string, response *image.InspectResponse) []string {
	ids := s.index.move(reference, "") // no new owner, because the engine's answer may be out of date
	if response == nil || slices.Contains(ids, imageID(response.ID)) {
		return ids
	}
	return append([]string{imageID(response.ID)}, ids...)
}

// isShown reports whether docker images shows the image. It hides the images that the classic builder leaves for each
// step.
func (s *Images) isShown(ctx context.Context, response *image.InspectResponse, tags []string) (bool, error) {
	if len(tags) > 0 || len(digestsOf(response)) > 0 {
		return true, nil
	}
	shown := true
	err := s.engine.read(ctx, listTimeout, func(ctx context.Context, c *connection) error {
		if !c.hidesParents() {
			return nil
		}
		dangling, err := c.dangling.do(ctx)
		if isRefused(err) {
			return nil // the image exists, and nothing says that Docker hides it
		}
		shown = dangling[imageID(response.ID)]
		return err
	})
	return shown, err
}

// listDangling lists the images without a tag that docker images shows.
func (c *connection) listDangling() (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(c.ctx, listTimeout)
	defer cancel()
	found, err := c.client.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(filters.Arg("dangling", "true"))})
	if err != nil {
		return nil, err
	}
	ids := make(map[string]bool, len(found))
	for _, summary := range found {
		ids[imageID(summary.ID)] = true
	}
	return ids, nil
}

// NameOf returns the name of the Image that Docker means by name. For example, busybox and docker.io~library~busybox
// mean busybox:latest. It returns name itself if name cannot mean a tag.
func (s *Images) NameOf(name string) string {
	tag, err := tagOfName(name)
	if err != nil {
		return name
	}
	return nameOfTag(tag)
}

// Lookup finds the image by its tag, its full ID or its 12-digit ID. A tag wins over an ID, as in Docker.
func (s *Images) Lookup(ctx context.Context, key string) (string, error) {
	namespace, name, _ := strings.Cut(key, "/")
	if namespace != s.engine.namespace {
		return "", nil
	}
	if tag, err := tagOfName(name); err == nil {
		if id, err := s.find(ctx, tag, tag); err != nil || id != "" {
			return id, err
		}
	}
	if !isImageID(name) {
		return "", nil
	}
	return s.find(ctx, name, name)
}

// find returns the ID of the image that has the reference as a tag, or the name as an ID. It returns "" if there is
// none.
func (s *Images) find(ctx context.Context, reference, name string) (string, error) {
	// Docker accepts any unique prefix of an ID, and some engines accept more, so check what it found. The check can
	// fail for the right image: Docker finds the image first and reads its tags later, and the tag may move in between.
	// The next inspection then finds the tag's new owner.
	for range lookups {
		response, err := s.inspect(ctx, reference)
		switch {
		case err != nil:
			return "", apiError("inspect", imageResource, name, err)
		case response == nil:
			return "", nil
		case slices.Contains(tagsOf(response), reference), isIDOf(name, response.ID):
			return imageID(response.ID), nil
		}
	}
	return "", nil
}

// Fence returns when every change that was complete before the call has been reported to the sink. Engines that hide
// parents raise no event for many changes of images. On these engines Fence also lists the images.
func (s *Images) Fence(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.engine.Fence(ctx) })
	group.Go(func() error {
		err := s.engine.read(ctx, listTimeout, func(ctx context.Context, c *connection) error {
			if !c.comparesImages() {
				return nil
			}
			_, err := c.imageLists.reports.do(ctx)
			if isRefused(err) {
				return nil // the Engine's condition reports the refusal, and images stay as fresh as events make them
			}
			return err
		})
		return apiError("list", imageResource, "", err)
	})
	return group.Wait()
}

// Create always fails: the API does not offer it.
func (s *Images) Create(context.Context, string, runtime.Object) (string, error) {
	return "", apierrors.NewMethodNotSupported(imageResource, "create")
}

// Update always fails: the API does not offer it.
func (s *Images) Update(context.Context, string, runtime.Object, runtime.Object) error {
	return apierrors.NewMethodNotSupported(imageResource, "update")
}

// inspect returns Docker's answer about the image with that reference or ID, or nil if there is none. Docker decides
// what the name means.
func (s *Images) inspect(ctx context.Context, name string) (*image.InspectResponse, error) {
	if !isImagePath(name) {
		return nil, nil
	}
	return inspect(ctx, s.engine, "/images/"+name+"/json", readImage, func(ctx context.Context, c *client.Client) (*image.InspectResponse, error) {
		response, err := c.ImageInspect(ctx, name)
		return &response, err
	})
}

// imageID returns an ID with its algorithm. Podman leaves the algorithm out.
func imageID(id string) string {
	if fullID.MatchString(id) {
		return imageIDAlgorithm + ":" + id
	}
	return id
}
