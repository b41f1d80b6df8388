// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"net/http"
	"slices"
	"testing"

	"github.com/docker/docker/api/types/image"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

func TestAReferenceLeadsToTheImagesThatHaveOrHadIt(t *testing.T) {
	f := startFake(t)
	before, after, tag := "sha256:"+dockertest.IDA, "sha256:"+dockertest.IDB, "reference:v1"
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
