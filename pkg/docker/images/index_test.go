// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/image"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

func indexed(parent string, tags ...string) indexedImage {
	return indexedImage{imageNames: imageNames{tags: tags}, parent: parent, isShown: true}
}

func TestTheIndexFollowsTags(t *testing.T) {
	var x index
	x.set("p", indexed(""), 0)
	if got := x.set("a", indexed("p", "x:1", "x:2"), 0); len(got) != 1 || got[0] != "p" {
		t.Errorf("a new image: %v", got)
	}
	if got := x.set("a", indexed("p", "x:1", "x:2"), 0); len(got) != 0 {
		t.Errorf("the same image again: %v", got)
	}
	if got := x.set("b", indexed("", "x:1"), 0); len(got) != 1 || got[0] != "a" {
		t.Errorf("a moved tag: %v", got)
	}
	x.set("a", indexed(""), 0)
	if x.owners["x:1"] != "b" || x.owners["x:2"] != "" {
		t.Errorf("owners: %v", x.owners)
	}
	if got := x.remove("a", 0); len(got) != 1 || got[0] != "p" {
		t.Errorf("a removed image: %v", got)
	}
	if got := x.remove("a", 0); len(got) != 0 {
		t.Errorf("removed twice: %v", got)
	}
	x.remove("b", 0)
	x.remove("p", 0)
	if len(x.owners) != 0 || len(x.images) != 0 {
		t.Errorf("the index still has %v, %v", x.owners, x.images)
	}
}

func TestTheIndexDoubtsAnObservationThatATagHasMovedDuring(t *testing.T) {
	var x index
	began := x.begin()
	if got := x.move("x:1", "new"); len(got) != 0 {
		t.Errorf("move of a tag without an owner: %v", got)
	}
	if got := x.set("old", indexed("", "x:1", "x:2"), began); !slices.Equal(got, []string{"old"}) {
		t.Errorf("observation of the former owner that began before the move: %v", got)
	}
	if got := x.set("new", indexed("", "x:1"), x.begin()); !slices.Equal(got, []string{"old"}) {
		t.Errorf("observation of the new owner: %v", got)
	}
	if got := x.set("new", indexed("", "x:1"), began); len(got) != 0 {
		t.Errorf("observation of the new owner that began before the move: %v", got)
	}
	if got := x.set("old", indexed("", "x:1"), x.begin()); !slices.Equal(got, []string{"new"}) {
		t.Errorf("observation of the former owner that began after the move: %v", got)
	}
	if got := x.move("x:1", "new"); !slices.Equal(got, []string{"old"}) {
		t.Errorf("move back to the new owner: %v", got)
	}
	if got := x.move("x:1", ""); !slices.Equal(got, []string{"old"}) {
		t.Errorf("removal of the tag: %v", got)
	}
	for range 3 {
		x.end()
	}
	if x.observing != 0 || len(x.moved) != 0 {
		t.Errorf("%d observations, moves %v", x.observing, x.moved)
	}
}

func TestTheFormerOwnerOfATagIsFoundWithoutTheEngine(t *testing.T) {
	images := New(source.Engine{}, nil)
	images.index.set(dockertest.IDA, indexed("", "x:1"), 0)
	objects, related, err := images.Observe(t.Context(), moveSubject("x:1", dockertest.IDB))
	if err != nil || len(objects) != 0 || !slices.Equal(related, []string{dockertest.IDB, dockertest.IDA}) {
		t.Errorf("%v, %v, %v", objects, related, err)
	}
}

func TestATagThatHasMovedOnBeforeItWasSeenIsLookedFor(t *testing.T) {
	first, second, third, tag := "sha256:"+dockertest.IDA, "sha256:"+dockertest.IDB, "sha256:"+strings.Repeat("c", 64), "moves:v1"
	engine, answers := sourcetest.New(t)
	answers.ByPath = map[string][]byte{
		"/images/" + first + "/json":  sourcetest.Encode(t, image.InspectResponse{ID: first, RepoTags: []string{"other:v1"}}),
		"/images/" + second + "/json": sourcetest.Encode(t, image.InspectResponse{ID: second, RepoTags: []string{tag}}),
		"/images/" + tag + "/json":    sourcetest.Encode(t, image.InspectResponse{ID: second, RepoTags: []string{tag}}),
	}
	images := New(engine, func() bool { return true })
	wantRelated := func(subject string, want ...string) {
		t.Helper()
		if _, related, err := images.Observe(t.Context(), subject); err != nil || !slices.Equal(related, want) {
			t.Errorf("%s leads to %v, want %v: %v", subject, related, want, err)
		}
	}
	began := images.index.begin()
	wantRelated(moveSubject(tag, first), first)
	if got := images.index.set(first, indexed(""), began); len(got) != 0 {
		t.Errorf("an observation that began before the move leads to %v", got)
	}
	images.index.end()
	began = images.index.begin()
	wantRelated(moveSubject(tag, first), first)
	if got := images.index.set(first, indexed(""), began); !slices.Equal(got, []string{moveSubject(tag, "")}) {
		t.Errorf("an observation between two moves leads to %v", got)
	}
	images.index.end()
	wantRelated(first, moveSubject(tag, ""))
	wantRelated(moveSubject(tag, ""), second)
	wantRelated(second)
	wantRelated(first)
	wantRelated(moveSubject("gone:v1", ""))
	wantRelated(moveSubject("gone:v1", third), third)
	wantRelated(third, moveSubject("gone:v1", ""))
	if len(images.index.expected) != 0 {
		t.Errorf("still expected: %v", images.index.expected)
	}
}
