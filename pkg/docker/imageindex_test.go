// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/image"
)

func indexed(parent string, tags ...string) indexedImage {
	return indexedImage{imageNames: imageNames{tags: tags}, parent: parent, isShown: true}
}

func TestTheIndexFollowsTags(t *testing.T) {
	var x imageIndex
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

func TestAReferenceLeadsToTheImagesThatHaveOrHadIt(t *testing.T) {
	f := startFake(t)
	before, after, tag := "sha256:"+idA, "sha256:"+idB, "reference:v1"
	owner := before
	inspect := func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, image.InspectResponse{ID: owner, RepoTags: []string{tag}})
	}
	f.handle("GET /images/"+tag+"/json", inspect)
	f.handle("GET /images/"+before+"/json", inspect)
	x := connectFake(t, f)
	related := func(subject string) []string {
		objects, related, err := x.Images().Observe(t.Context(), subject)
		if err != nil || len(objects) != 0 {
			t.Errorf("%s: %v, %v", subject, objects, err)
		}
		return related
	}
	if objects, _, err := x.Images().Observe(t.Context(), before); err != nil || len(objects) != 1 {
		t.Fatalf("%v, %v", objects, err)
	}
	if got := related(tag); !slices.Equal(got, []string{before}) {
		t.Errorf("related to the tag: %v, want its owner", got)
	}
	owner = after
	if got := related(tag); !slices.Equal(got, []string{after, before}) {
		t.Errorf("related to the moved tag: %v, want the new and the former owner", got)
	}
	if got := related("nothing:v1"); len(got) != 0 {
		t.Errorf("related to an unknown tag: %v", got)
	}
	if got := related("../containers/x"); len(got) != 0 {
		t.Errorf("related to a path: %v", got)
	}
}

func TestTheIndexDoubtsAnObservationThatATagHasMovedDuring(t *testing.T) {
	var x imageIndex
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
	images := newImages(nil)
	images.index.set(idA, indexed("", "x:1"), 0)
	objects, related, err := images.Observe(t.Context(), moveSubject("x:1", idB))
	if err != nil || len(objects) != 0 || !slices.Equal(related, []string{idB, idA}) {
		t.Errorf("%v, %v, %v", objects, related, err)
	}
}

func TestATagThatHasMovedOnBeforeItWasSeenIsLookedFor(t *testing.T) {
	f := startFake(t)
	first, second, third, tag := "sha256:"+idA, "sha256:"+idB, "sha256:"+strings.Repeat("c", 64), "moves:v1"
	inspect := func(id string, tags ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, image.InspectResponse{ID: id, RepoTags: tags})
		}
	}
	f.handle("GET /images/"+first+"/json", inspect(first, "other:v1"))
	f.handle("GET /images/"+second+"/json", inspect(second, tag))
	f.handle("GET /images/"+tag+"/json", inspect(second, tag))
	images := connectFake(t, f).Images()
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
