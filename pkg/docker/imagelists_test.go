// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// names returns the names of all images that the view holds after a fence.
func (v *view) names(t *testing.T) []string {
	t.Helper()
	dockertest.Must(t, v.source.Fence(t.Context()))
	v.settle()
	v.mu.Lock()
	defer v.mu.Unlock()
	var names []string
	for _, objects := range v.objects {
		names = slices.AppendSeq(names, maps.Keys(objects))
	}
	slices.Sort(names)
	return names
}

// dockerNames returns the names of the Images for everything that docker images shows.
func dockerNames(t *testing.T) []string {
	t.Helper()
	found, err := shared.Client().ImageList(t.Context(), image.ListOptions{})
	dockertest.Must(t, err)
	var shown []string
	for _, summary := range found {
		isTagged := false
		for _, repoTag := range summary.RepoTags {
			if tag, err := names.FamiliarTag(repoTag); err == nil {
				isTagged = true
				shown = append(shown, "engine/"+containers.NameOfTag(tag))
			}
		}
		if !isTagged {
			shown = append(shown, "engine/"+summary.ID)
		}
	}
	slices.Sort(shown)
	return shown
}

func pruneImagesAfter(t *testing.T) {
	t.Cleanup(func() {
		if _, err := shared.Client().ImagesPrune(context.Background(), filters.NewArgs()); err != nil {
			t.Error(err)
		}
	})
}

// unreportedName returns a name for the functions of engine.UnreportedImages. It removes the tags that they make after
// the test.
func unreportedName(t *testing.T) string {
	name := engine.UniqueName("unreported")
	t.Cleanup(func() {
		for _, tag := range engine.UnreportedTags {
			_, _ = shared.Client().ImageRemove(context.Background(), name+tag, image.RemoveOptions{PruneChildren: true})
		}
	})
	return name
}

func TestImagesOfWhichTheEngineRaisesNoEventAreListedAtOnce(t *testing.T) {
	x := connect(t)
	pruneImagesAfter(t)
	for what, make := range engine.UnreportedImages {
		before := x.i.names(t)
		dockertest.Must(t, make(t.Context(), x.docker, unreportedName(t)))
		got, want := x.i.names(t), dockerNames(t)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the list shows %q, docker images shows %q", what, got, want)
		}
		if slices.Equal(want, before) {
			t.Errorf("%s: docker images shows the same as before", what)
		}
	}
}

func TestAnImageThatABuildHidesAndThatIsShownAgainIsListedLikeInDocker(t *testing.T) {
	x := connect(t)
	pruneImagesAfter(t)
	parent := shared.DanglingImage(t)
	if !slices.Contains(x.i.names(t), "engine/"+parent) {
		t.Fatal("the image is not listed")
	}
	child := buildImage(t, "FROM "+parent+"\nLABEL n="+engine.UniqueName("l")+"\n", "")
	// A get observes the image without a list.
	x.i.MarkDirty(parent)
	x.i.settle()
	if x.i.held(parent) != nil {
		t.Error("an image that docker images hides is shown")
	}
	_, err := x.docker.ImageRemove(t.Context(), child, image.RemoveOptions{PruneChildren: false})
	dockertest.Must(t, err)
	if got, want := x.i.names(t), dockerNames(t); !slices.Equal(got, want) || !slices.Contains(got, "engine/"+parent) {
		t.Errorf("the list shows %q, docker images shows %q", got, want)
	}
}

func TestImagesThatAreAsBeforeAreNotObserved(t *testing.T) {
	x := connect(t)
	pruneImagesAfter(t)
	for _, make := range engine.UnreportedImages {
		dockertest.Must(t, make(t.Context(), x.docker, unreportedName(t)))
	}
	x.i.names(t)
	x.i.names(t)
	x.i.mu.Lock()
	clear(x.i.marks)
	x.i.mu.Unlock()
	x.i.names(t)
	x.i.mu.Lock()
	defer x.i.mu.Unlock()
	if len(x.i.marks) > 0 {
		t.Errorf("marked: %v", x.i.marks)
	}
}

// connectToOneImage connects to an engine with one image. The image always has the tags that tags points to.
func connectToOneImage(t *testing.T, tags *[]string) (x *connected, id string) {
	f := startFake(t)
	id = "sha256:" + dockertest.IDA
	f.handle("GET /info", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, map[string]any{}) })
	f.handle("GET /images/json", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, []image.Summary{{ID: id, RepoTags: *tags}})
	})
	f.handle("GET /images/"+id+"/json", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, image.InspectResponse{ID: id, RepoTags: *tags})
	})
	x = connectFake(t, f)
	x.i.names(t)
	return x, id
}

func TestAChangeOfAnImageThatWasObservedAndNotTakenInIsReportedByTheNextList(t *testing.T) {
	tags := []string{"before:v1"}
	x, id := connectToOneImage(t, &tags)
	tags = []string{"after:v1"}
	if _, _, err := x.Images().Observe(t.Context(), id); err != nil { // the view does not take the result
		t.Fatal(err)
	}
	if got := x.i.names(t); !slices.Equal(got, []string{"engine/after:v1"}) {
		t.Errorf("the list shows %q", got)
	}
}

func TestAListForAComparisonLeavesItsDifferencesToTheNextRead(t *testing.T) {
	tags := []string{"before:v1"}
	x, id := connectToOneImage(t, &tags)
	x.i.marked(id)
	tags = []string{"before:v1", "after:v1"}
	ids, err := x.Images().Subjects(t.Context())
	dockertest.Must(t, err)
	if _, _, err := x.Images().Observe(t.Context(), id); err != nil { // a comparison observes like this before it counts a difference
		t.Fatal(err)
	}
	x.i.settle()
	x.i.mu.Lock()
	marks := maps.Clone(x.i.marks)
	x.i.mu.Unlock()
	if !slices.Equal(ids, []string{id}) || len(marks) > 0 {
		t.Errorf("the list has %q and marked %v", ids, marks)
	}
	if got := x.i.names(t); !slices.Equal(got, []string{"engine/after:v1", "engine/before:v1"}) {
		t.Errorf("%q are listed", got)
	}
}

func TestEnginesThatReportAllImagesAreNotAskedForListsOfThem(t *testing.T) {
	f := startFake(t)
	x := connectFake(t, f)
	eventually(t, "what the engine says about its lists", func() bool {
		c, err := x.client.Current()
		return err == nil && !c.HidesParents()
	})
	asked := f.count("GET /images/json")
	x.i.names(t)
	if again := f.count("GET /images/json"); again != asked {
		t.Errorf("the engine was asked for %d lists", again-asked)
	}
}
