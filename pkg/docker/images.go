// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
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
		var ok bool
		if ids, ok = c.ids(ctx, "/images/json", nil); ok {
			return nil
		}
		found, err := c.client.ImageList(ctx, image.ListOptions{})
		ids = nil
		for _, summary := range found {
			ids = append(ids, summary.ID)
		}
		return err
	})
	if err != nil {
		return nil, apiError("list", imageResource, "", err)
	}
	for i, id := range ids {
		ids[i] = imageID(id)
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
	//lint:ignore SA1019 only engines that hide parents fill it in, and nothing replaces it there
	related := s.index.set(subject, tags, imageID(response.Parent), began)
	if shown, err := s.isShown(ctx, response, tags); err != nil {
		return nil, related, apiError("list", imageResource, subject, err)
	} else if !shown {
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
		if !c.hidesParents {
			return nil
		}
		dangling, err := c.dangling.do(ctx)
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

// Fence returns when every change that was complete before the call has been reported to the sink.
func (s *Images) Fence(ctx context.Context) error { return s.engine.Fence(ctx) }

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

// imageIndex knows which image had which tags when it was last observed, and its parent.
type imageIndex struct {
	mu     sync.Mutex
	owners map[string]string // by tag
	images map[string]indexedImage

	// An observation can bring a tag to an image that has lost it meanwhile.
	observing int             // observations that have begun and not ended
	moves     int             // until now
	moved     map[string]move // by tag, since the first of the observations began

	// An image can have lost a tag to another one before it is observed to have it. Nothing shows the tag then, which has been
	// there all the time: who has it is looked for.
	expected map[string]map[string]expectation // by image and tag
}

// expectation is which of the moves, the first and the last, have brought a tag to an image that has yet to be observed since.
type expectation struct{ first, last int }

type move struct {
	number int
	owner  string
}

type indexedImage struct {
	tags   []string
	parent string
}

// begin notes that an observation begins, and returns what set takes. end must follow.
func (x *imageIndex) begin() (moves int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.observing++
	return x.moves
}

func (x *imageIndex) end() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.observing--
	if x.observing == 0 {
		x.moved = nil
	}
}

// expect notes that the image is said to have the tag, and will be observed.
func (x *imageIndex) expect(tag, id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.moves++
	if x.expected == nil {
		x.expected = map[string]map[string]expectation{}
	}
	if x.expected[id] == nil {
		x.expected[id] = map[string]expectation{}
	}
	first := x.moves
	if expected, ok := x.expected[id][tag]; ok {
		first = expected.first
	}
	x.expected[id][tag] = expectation{first, x.moves}
}

// unmetLocked returns the moves of the tags that the image was expected to have before the observation began, and did not have then.
func (x *imageIndex) unmetLocked(id string, tags []string, began int) (unmet []string) {
	for tag, expected := range x.expected[id] {
		switch {
		case expected.first > began:
			continue
		case expected.last > began: // who has reported the others waits for another observation
			x.expected[id][tag] = expectation{began + 1, expected.last}
		default:
			delete(x.expected[id], tag)
		}
		if !slices.Contains(tags, tag) {
			unmet = append(unmet, moveSubject(tag, ""))
		}
	}
	if len(x.expected[id]) == 0 {
		delete(x.expected, id)
	}
	return unmet
}

// move notes that the image has got the tag, or an unknown one or none. It returns the one that had it.
func (x *imageIndex) move(tag, id string) []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.observing > 0 {
		if x.moved == nil {
			x.moved = map[string]move{}
		}
		x.moves++
		x.moved[tag] = move{x.moves, id}
	}
	if owner := x.owners[tag]; owner != "" && owner != id {
		return []string{owner}
	}
	return nil
}

// set notes what was observed. It returns the images that this changes: those that had the tags until now, and the
// known parent of an image that is new; and the image itself if another has got one of the tags since the observation began;
// and the moves of tags that it was expected to have.
func (x *imageIndex) set(id string, tags []string, parent string, began int) []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.owners == nil {
		x.owners, x.images = map[string]string{}, map[string]indexedImage{}
	}
	changed := map[string]bool{}
	known, isKnown := x.images[id]
	if _, knowsParent := x.images[parent]; !isKnown && knowsParent {
		changed[parent] = true
	}
	for _, tag := range known.tags {
		if x.owners[tag] == id && !slices.Contains(tags, tag) {
			delete(x.owners, tag)
		}
	}
	for _, tag := range tags {
		if owner := x.owners[tag]; owner != "" && owner != id {
			changed[owner] = true
		}
		if moved := x.moved[tag]; moved.number > began && moved.owner != id {
			changed[id] = true
		}
		x.owners[tag] = id
	}
	if parent == "" {
		parent = known.parent // which Docker forgets half way through a removal
	}
	x.images[id] = indexedImage{tags: tags, parent: parent}
	return append(slices.Sorted(maps.Keys(changed)), x.unmetLocked(id, tags, began)...)
}

// remove forgets an image and returns its parent, which may be shown now, and the moves of tags that it was expected to have.
func (x *imageIndex) remove(id string, began int) []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	changed := x.unmetLocked(id, nil, began)
	known, isKnown := x.images[id]
	for _, tag := range known.tags {
		if x.owners[tag] == id {
			delete(x.owners, tag)
		}
	}
	delete(x.images, id)
	if isKnown && known.parent != "" {
		changed = append(changed, known.parent)
	}
	return changed
}

// imageID returns an ID with its algorithm, which podman leaves out.
func imageID(id string) string {
	if fullID.MatchString(id) {
		return imageIDAlgorithm + ":" + id
	}
	return id
}
