// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"maps"
	"slices"
	"sync"
)

// index remembers the tags and the parent of each image, as last observed.
type index struct {
	mu     sync.Mutex
	owners map[string]string // by tag
	images map[string]indexedImage

	// An observation may report a tag that the image loses while the observation runs. These fields let set notice
	// that.
	observing int             // observations that are running
	moves     int             // number of the last move or expectation
	moved     map[string]move // by tag, since the oldest running observation began

	// An image can get a tag and lose it to another image before anyone observes the first image. Then no object shows
	// the tag, although the tag existed all the time. So expected remembers which image should have which tag. If an
	// observation does not find the tag there, the server looks for its owner.
	expected map[string]map[string]expectation // by image and tag
}

// expectation holds the numbers of the first and the last move that brought a tag to an image. No observation has
// checked these moves yet.
type expectation struct{ first, last int }

type move struct {
	number int
	owner  string
}

// indexedImage is what an observation found out about an image.
type indexedImage struct {
	imageNames
	parent  string
	isShown bool
}

// begin notes that an observation begins. It returns the number to pass to set or remove. The caller must call end.
func (x *index) begin() (moves int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.observing++
	return x.moves
}

func (x *index) end() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.observing--
	if x.observing == 0 {
		x.moved = nil
	}
}

// expect notes that the image should have the tag. The caller then has the image observed.
func (x *index) expect(tag, id string) {
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

// unmetLocked returns a move for each tag that the image was expected to have before the observation began, but did not
// have.
func (x *index) unmetLocked(id string, tags []string, began int) (unmet []string) {
	for tag, expected := range x.expected[id] {
		switch {
		case expected.first > began:
			continue
		case expected.last > began: // later moves wait for another observation
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

// move notes that an image has got the tag. id is empty if that image is not known, or if no image has the tag. move
// returns the image that had the tag before.
func (x *index) move(tag, id string) []string {
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

// set notes what an observation found out about an image. It returns the subjects to observe because of that: the
// images that had its tags until now; the parent of a new image, if the parent is known; the image itself, if another
// image has got one of its tags since the observation began; and the moves of tags that it should have and does not have.
func (x *index) set(id string, observed indexedImage, began int) []string {
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
		observed.parent = known.parent // Docker forgets the parent half way through a removal
	}
	x.images[id] = observed
	return append(slices.Sorted(maps.Keys(changed)), x.unmetLocked(id, observed.tags, began)...)
}

// remove forgets an image. It returns the subjects to observe because of that: its parent, which may be shown now, and
// the moves of tags that the image should have had.
func (x *index) remove(id string, began int) []string {
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

// shown returns the names of the images that are shown, by ID, as last observed.
func (x *index) shown() map[string]imageNames {
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
