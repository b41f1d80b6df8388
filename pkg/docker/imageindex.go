// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"maps"
	"slices"
	"sync"
)

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

// indexedImage is what was observed of an image.
type indexedImage struct {
	imageNames
	parent  string
	isShown bool
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

// set notes what was observed of an image. It returns the images that this changes: those that had the tags until now, and the
// known parent of an image that is new; and the image itself if another has got one of the tags since the observation began;
// and the moves of tags that it was expected to have.
func (x *imageIndex) set(id string, observed indexedImage, began int) []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.owners == nil {
		x.owners, x.images = map[string]string{}, map[string]indexedImage{}
	}
	changed := map[string]bool{}
	known, isKnown := x.images[id]
	if _, knowsParent := x.images[observed.parent]; !isKnown && knowsParent {
		changed[observed.parent] = true
	}
	for _, tag := range known.tags {
		if x.owners[tag] == id && !slices.Contains(observed.tags, tag) {
			delete(x.owners, tag)
		}
	}
	for _, tag := range observed.tags {
		if owner := x.owners[tag]; owner != "" && owner != id {
			changed[owner] = true
		}
		if moved := x.moved[tag]; moved.number > began && moved.owner != id {
			changed[id] = true
		}
		x.owners[tag] = id
	}
	if observed.parent == "" {
		observed.parent = known.parent // which Docker forgets half way through a removal
	}
	x.images[id] = observed
	return append(slices.Sorted(maps.Keys(changed)), x.unmetLocked(id, observed.tags, began)...)
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

// shown returns the names of the images that were last observed to be shown, by ID.
func (x *imageIndex) shown() map[string]imageNames {
	x.mu.Lock()
	defer x.mu.Unlock()
	shown := make(map[string]imageNames, len(x.images))
	for id, known := range x.images {
		if known.isShown {
			shown[id] = known.imageNames
		}
	}
	return shown
}
