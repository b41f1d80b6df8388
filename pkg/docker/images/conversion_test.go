// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/docker/docker/api/types/image"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/randfill"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

func TestWhatIsReadOfAnImageIsAllThatIsShown(t *testing.T) {
	fill := randfill.NewWithSeed(1).NilChance(0.1).NumElements(0, 3).Funcs(
		func(whole *image.InspectResponse, fill randfill.Continue) {
			fill.FillNoCustom(whole)
			whole.Created = dockertest.StartedAt
		},
	)
	for range 200 {
		var whole image.InspectResponse
		fill.Fill(&whole)
		answer, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(answer, &whole); err != nil {
			t.Fatal(err)
		}
		part, err := readImage(answer)
		if err != nil {
			t.Fatal(err)
		}
		tags := []string{"", "a:1"}
		if want, got := imagesOf(&whole, tags, "engine"), imagesOf(part, tags, "engine"); !reflect.DeepEqual(got, want) {
			t.Fatalf("of %s\nis shown %+v\n    not %+v", answer, got, want)
		}
		//lint:ignore SA1019 only engines that hide parents fill it in, and nothing replaces it there
		wantParent, gotParent := whole.Parent, part.Parent
		if !slices.Equal(part.RepoTags, whole.RepoTags) || gotParent != wantParent {
			t.Fatalf("of %s\nare read %s and %s", answer, part.RepoTags, gotParent)
		}
	}
}

func TestAnImageShowsAsOneObjectForEachTag(t *testing.T) {
	response := sourcetest.Image("docker.io/library/busybox:latest", "localhost:5000/a/b:v1", "busybox:latest", "<none>:<none>")
	response.Config.Labels = map[string]string{"ok": "yes", "not ok": "x"}
	got := imagesOf(response, tagsOf(response), "engine")
	if len(got) != 2 || got[0].Name != "busybox:latest" || got[1].Name != "localhost:5000~a~b:v1" {
		t.Fatalf("%+v", got)
	}
	want := v1alpha1.ImageStatus{
		Namespace: "moby", ID: "sha256:" + dockertest.IDA, RepoTag: "localhost:5000/a/b:v1", RepoDigests: []string{"a@sha256:" + dockertest.IDB, "b@sha256:" + dockertest.IDB},
		CreatedAt: source.TimeOf(dockertest.CreatedAt), Architecture: "amd64", OS: "linux", Size: 123, Labels: map[string]string{"ok": "yes", "not ok": "x"},
		Conditions: []metav1.Condition{{Type: "Tagged", Status: "True", Reason: "Tagged", LastTransitionTime: *source.TimeOf(dockertest.CreatedAt)}},
	}
	if !apiequality.Semantic.DeepEqual(got[1].Status, want) {
		t.Errorf("%+v", got[1].Status)
	}
	if got[0].UID == got[1].UID || len(got[0].Labels) != 1 || !got[0].CreationTimestamp.Equal(source.TimeOf(dockertest.CreatedAt)) {
		t.Errorf("%+v", got[0].ObjectMeta)
	}
}

func TestAnImageWithoutTagsIsNamedByItsID(t *testing.T) {
	for _, tags := range [][]string{nil, {}, {"<none>:<none>"}} {
		response := sourcetest.Image(tags...)
		response.RepoDigests = []string{"<none>@<none>"}
		got := imagesOf(response, tagsOf(response), "engine")
		if len(got) != 1 || got[0].Name != "sha256:"+dockertest.IDA || got[0].Status.RepoTag != "" || len(got[0].Status.RepoDigests) != 0 {
			t.Fatalf("%+v", got)
		}
		if c := got[0].Status.Conditions[0]; c.Status != metav1.ConditionFalse || c.Reason != "Dangling" {
			t.Errorf("%+v", c)
		}
	}
}

func TestAnAnswerWithHolesIsNoPanic(t *testing.T) {
	imagesOf(&image.InspectResponse{}, nil, "engine")
}
