// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"slices"

	"github.com/docker/docker/api/types/image"
)

// imageNames are the fields of a listed image that can change without an event.
type imageNames struct{ tags, digests []string }

func (n imageNames) equal(other imageNames) bool {
	return slices.Equal(n.tags, other.tags) && slices.Equal(n.digests, other.digests)
}

// comparesImages reports whether a live read of images must first list the images. Engines that hide parents raise no
// event for an image without a tag that a build makes, for what a failed build leaves, and for the tags of an archive
// that loads in part. Other engines raise these events, and they take seconds to list a thousand images.
func (c *connection) comparesImages() bool { return c.hidesParents() && !c.isPodman }

// imageLists lists the images on one connection, one list at a time. If live reads depend on the list, it reports the
// differences to the sink.
type imageLists struct {
	connection *connection
	images     *Images
	last       map[string]listedImage // by ID
}

// listedImage holds an image's names as listed, and in the form that objects show.
type listedImage struct {
	repoTags, repoDigests []string
	names                 imageNames
}

func (l *imageLists) batcher() *batcher[map[string]imageNames] {
	return &batcher[map[string]imageNames]{run: l.list}
}

// list returns the names of all images that docker images shows, by ID.
//
// It compares them with the last observations and with the previous list. The observations alone are not enough,
// because an observed change may not be shown yet.
func (l *imageLists) list() (map[string]imageNames, error) {
	ctx, cancel := context.WithTimeout(l.connection.ctx, listTimeout)
	defer cancel()
	last := l.last
	if err := l.read(ctx); err != nil {
		return nil, err
	}
	names := namesOf(l.last)
	if l.connection.comparesImages() {
		for _, subject := range changedImages(l.images.index.shown(), names) {
			l.images.sink.MarkDirty(subject)
		}
		if last != nil {
			for _, subject := range changedImages(namesOf(last), names) {
				l.images.sink.MarkDirty(subject)
			}
		}
	}
	return names, nil
}

// read lists the images again.
func (l *imageLists) read(ctx context.Context) error {
	listed := make(map[string]listedImage, len(l.last))
	add := func(id string, repoTags, repoDigests []string) {
		id = imageID(id)
		if last, ok := l.last[id]; ok && slices.Equal(last.repoTags, repoTags) && slices.Equal(last.repoDigests, repoDigests) {
			listed[id] = last
			return
		}
		listed[id] = listedImage{repoTags, repoDigests, imageNames{familiarTags(repoTags), realDigests(repoDigests)}}
	}
	ok := l.connection.eachItem(ctx, "/images/json", nil, func(decode func(any) error) error {
		var item struct {
			ID          string `json:"Id"`
			RepoTags    []string
			RepoDigests []string
		}
		err := decode(&item)
		add(item.ID, item.RepoTags, item.RepoDigests)
		return err
	})
	if !ok {
		clear(listed)
		found, err := l.connection.client.ImageList(ctx, image.ListOptions{})
		if err != nil {
			return err
		}
		for _, summary := range found {
			add(summary.ID, summary.RepoTags, summary.RepoDigests)
		}
	}
	l.last = listed
	return nil
}

func namesOf(listed map[string]listedImage) map[string]imageNames {
	names := make(map[string]imageNames, len(listed))
	for id, image := range listed {
		names[id] = image.names
	}
	return names
}

// changedImages returns the subjects to observe after the names of the images, by ID, have changed from before to now.
// They are the moves of the tags that an image has got, and the images that came, went or changed in another way.
func changedImages(before, now map[string]imageNames) (subjects []string) {
	for id, names := range now {
		known, isKnown := before[id]
		if isKnown && known.equal(names) {
			continue
		}
		got := slices.DeleteFunc(slices.Clone(names.tags), func(tag string) bool { return slices.Contains(known.tags, tag) })
		for _, tag := range got {
			subjects = append(subjects, moveSubject(tag, id))
		}
		if len(got) == 0 { // a move already leads to the image
			subjects = append(subjects, id)
		}
	}
	for id := range before {
		if _, still := now[id]; !still {
			subjects = append(subjects, id)
		}
	}
	return subjects
}
