// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/batcher"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
)

// imageNames are the fields of a listed image that can change without an event.
type imageNames struct{ tags, digests []string }

func (n imageNames) equal(other imageNames) bool {
	return slices.Equal(n.tags, other.tags) && slices.Equal(n.digests, other.digests)
}

// comparesImages reports whether a live read of images must first list the images. Engines that hide parents raise no
// event for three changes: a build makes an image without a tag, a failed build leaves an image behind, or an archive
// loads in part. Other engines raise these events, and they take seconds to list a thousand images.
func comparesImages(c *connection.Connection) bool { return c.HidesParents() && !c.IsPodman() }

// lists lists the images on one connection. If live reads depend on the list, report reports the differences to the sink,
// one list at a time. Other lists report nothing, because a comparison must find by itself what no event reported.
type lists struct {
	connection *connection.Connection
	source     *Source
	reports    *batcher.Batcher[struct{}]
	dangling   *batcher.Batcher[map[string]bool]

	mu sync.Mutex
	// reported is the last list, by ID, whose differences were reported. At first it is the list with which the view is
	// filled.
	reported map[string]listedImage
}

// on returns the lists of a connection. Calls on an older connection get lists of their own, as they end with it.
func (s *Source) on(c *connection.Connection) *lists {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lists != nil && s.lists.connection == c {
		return s.lists
	}
	l := &lists{connection: c, source: s}
	l.reports = batcher.New(l.report)
	l.dangling = batcher.New(l.listDangling)
	if s.lists == nil || s.lists.connection.Context().Err() != nil {
		s.lists = l
	}
	return l
}

// listedImage holds an image's names as listed, and in the form that objects show.
type listedImage struct {
	repoTags, repoDigests []string
	names                 imageNames
}

// ids returns the IDs of all images that docker images shows.
func (l *lists) ids(ctx context.Context) ([]string, error) {
	listed, err := l.read(ctx, nil)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reported == nil && comparesImages(l.connection) {
		l.reported = listed
	}
	return slices.Collect(maps.Keys(listed)), nil
}

// report lists the images, and reports what differs from the last observations and from the last list that was reported.
// The observations alone are not enough, because an observed change may not be shown yet.
func (l *lists) report() (struct{}, error) {
	ctx, cancel := context.WithTimeout(l.connection.Context(), connection.ListTimeout)
	defer cancel()
	l.mu.Lock()
	last := l.reported
	l.mu.Unlock()
	listed, err := l.read(ctx, last)
	if err != nil {
		return struct{}{}, err
	}
	names := namesOf(listed)
	changed := changedImages(l.source.index.shown(), names)
	if last != nil {
		changed = append(changed, changedImages(namesOf(last), names)...)
	}
	for _, subject := range changed {
		l.source.MarkDirty(subject)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reported = listed
	return struct{}{}, nil
}

// read lists the images. It shares what is as in the last list.
func (l *lists) read(ctx context.Context, last map[string]listedImage) (map[string]listedImage, error) {
	listed := make(map[string]listedImage, len(last))
	add := func(id string, repoTags, repoDigests []string) {
		id = names.ImageID(id)
		if known, ok := last[id]; ok && slices.Equal(known.repoTags, repoTags) && slices.Equal(known.repoDigests, repoDigests) {
			listed[id] = known
			return
		}
		listed[id] = listedImage{repoTags, repoDigests, imageNames{familiarTags(repoTags), realDigests(repoDigests)}}
	}
	ok := l.connection.EachItem(ctx, "/images/json", nil, func(decode func(any) error) error {
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
		found, err := l.connection.Docker.ImageList(ctx, image.ListOptions{})
		if err != nil {
			return nil, err
		}
		for _, summary := range found {
			add(summary.ID, summary.RepoTags, summary.RepoDigests)
		}
	}
	return listed, nil
}

// listDangling lists the images without a tag that docker images shows.
func (l *lists) listDangling() (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(l.connection.Context(), connection.ListTimeout)
	defer cancel()
	found, err := l.connection.Docker.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(filters.Arg("dangling", "true"))})
	if err != nil {
		return nil, err
	}
	ids := make(map[string]bool, len(found))
	for _, summary := range found {
		ids[names.ImageID(summary.ID)] = true
	}
	return ids, nil
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
