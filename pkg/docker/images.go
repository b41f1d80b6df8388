// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"maps"
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

// lookups is how often an image is looked for that is found under a name that it turns out not to have.
const lookups = 10

var imageResource = v1alpha1.Resource("images")

// Images is the source of the engine's images. A subject is an image ID; or a reference that an event named, which shows as
// nothing and leads to the images that have it or had it; or the move of a tag, which leads to its new owner and to the former one.
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
		listed, err := c.imageLists.do(ctx)
		ids = slices.Collect(maps.Keys(listed))
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
	s.sightings.see(subject, images, nowOf(s.clock), !s.engine.wasRead())
	objects := map[string]runtime.Object{}
	for _, object := range images {
		objects[keyOf(object)] = object
	}
	return objects, related, nil
}

// observeMove leads to the new owner of a tag and to the former one. Without an ID it is the one who has the tag now.
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

// moveSubject is the subject of the move of a tag to an image, or to one that is not known.
func moveSubject(tag, id string) string { return moveOf + tag + " " + id }

// movedTag is the inverse of moveSubject.
func movedTag(subject string) (tag, id string, ok bool) {
	move, ok := strings.CutPrefix(subject, moveOf)
	tag, id, _ = strings.Cut(move, " ")
	return tag, id, ok
}

// related returns the images that have or had the reference.
func (s *Images) related(reference string, response *image.InspectResponse) []string {
	ids := s.index.move(reference, "") // to nobody in particular: what the engine said may be over
	if response == nil || slices.Contains(ids, imageID(response.ID)) {
		return ids
	}
	return append([]string{imageID(response.ID)}, ids...)
}

// isShown reports whether docker images shows the image: the classic builder leaves one behind for each step.
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
			return nil // it is there, and nothing says that Docker hides it
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

// NameOf returns the name of the Image that docker means by a name: its tag, such as busybox:latest for busybox and for
// docker.io~library~busybox. It is the name itself where that means no tag.
func (s *Images) NameOf(name string) string {
	tag, err := tagOfName(name)
	if err != nil {
		return name
	}
	return nameOfTag(tag)
}

// Lookup finds the image of that tag, full ID, or 12-digit ID. A tag wins, as it does with docker.
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

// find returns the ID of the image that has the reference as a tag or the name as an ID, empty if none does.
func (s *Images) find(ctx context.Context, reference, name string) (string, error) {
	// Docker takes any unique beginning of an ID for the ID, and some engines more than that for a reference. But it also finds
	// the image first and lists its tags then: a tag that moves in between is at another image the next time.
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

// Fence returns when every change that was complete before the call has been reported to the sink. Engines that hide parents
// raise no event for many changes of images: there it takes a list of the images as well.
func (s *Images) Fence(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.engine.Fence(ctx) })
	group.Go(func() error {
		err := s.engine.read(ctx, listTimeout, func(ctx context.Context, c *connection) error {
			if !c.comparesImages() {
				return nil
			}
			_, err := c.imageLists.do(ctx)
			if isRefused(err) {
				return nil // the engine's condition says so, and what events tell is shown
			}
			return err
		})
		return apiError("list", imageResource, "", err)
	})
	return group.Wait()
}

// Create is not offered.
func (s *Images) Create(context.Context, string, runtime.Object) (string, error) {
	return "", apierrors.NewMethodNotSupported(imageResource, "create")
}

// Update is not offered.
func (s *Images) Update(context.Context, string, runtime.Object, runtime.Object) error {
	return apierrors.NewMethodNotSupported(imageResource, "update")
}

// inspect returns what Docker says of what it calls by that reference or ID, nil if there is none.
func (s *Images) inspect(ctx context.Context, name string) (*image.InspectResponse, error) {
	if !isImagePath(name) {
		return nil, nil
	}
	return inspect(ctx, s.engine, "/images/"+name+"/json", readImage, func(ctx context.Context, c *client.Client) (*image.InspectResponse, error) {
		response, err := c.ImageInspect(ctx, name)
		return &response, err
	})
}

// imageID returns an ID with its algorithm, which podman leaves out.
func imageID(id string) string {
	if fullID.MatchString(id) {
		return imageIDAlgorithm + ":" + id
	}
	return id
}
