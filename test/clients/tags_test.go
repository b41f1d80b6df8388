// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	applyv1alpha1 "github.com/rancher-sandbox/engine-apiserver/pkg/generated/applyconfiguration/containers/v1alpha1"
	typed "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

func newImages(t *testing.T, args ...string) typed.ImageInterface {
	t.Helper()
	return newClient(t, testserver.Start(t, eng.Host(), args...).Config(t)).Images(testserver.Namespace)
}

func newTag(name, from string) *v1alpha1.Image {
	return &v1alpha1.Image{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.ImageSpec{From: from}}
}

// ownerOf returns the ID of the image that has the tag in Docker, or "" if none has it.
func ownerOf(t *testing.T, tag string) string {
	t.Helper()
	inspected, err := eng.Client().ImageInspect(t.Context(), tag)
	if err != nil {
		return ""
	}
	return inspected.ID
}

func fromPatch(from string) []byte { return fmt.Appendf(nil, `{"spec":{"from":%q}}`, from) }

func TestToCreateAnImageIsToTagAnImage(t *testing.T) {
	images := newImages(t)
	source := engine.UniqueName("localhost:5000/team/source") + ":v1"
	id := eng.Image(t, source)
	for n, from := range []string{source, strings.ReplaceAll(source, "/", "~"), id, strings.TrimPrefix(id, "sha256:"), strings.TrimPrefix(id, "sha256:")[:12]} {
		tag := engine.UniqueName("localhost:5000/team/tagged") + fmt.Sprintf(":v%d", n)
		created, err := images.Create(t.Context(), newTag(strings.ReplaceAll(tag, "/", "~"), from), metav1.CreateOptions{})
		if err != nil {
			t.Fatalf("from %s: %v", from, err)
		}
		if created.Spec.From != id || created.Status.ID != id || created.Status.RepoTag != tag || created.UID == "" || created.ResourceVersion == "" {
			t.Errorf("from %s the answer is %+v", from, created)
		}
		if got := ownerOf(t, tag); got != id {
			t.Errorf("%s is at %q in Docker", tag, got)
		}
	}
}

func TestATagThatExistsIsNotMovedByCreate(t *testing.T) {
	images := newImages(t)
	tag := engine.UniqueName("there") + ":v1"
	id := eng.Image(t, tag)
	other := eng.Image(t, engine.UniqueName("other")+":v1")
	if _, err := images.Create(t.Context(), newTag(tag, other), metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
		t.Errorf("%v, want AlreadyExists", err)
	}
	if got := ownerOf(t, tag); got != id {
		t.Errorf("the tag is at %s", got)
	}
}

func TestOfManyWhoCreateTheSameTagOneDoes(t *testing.T) {
	images := newImages(t)
	tag := engine.UniqueName("raced") + ":v1"
	var ids []string
	for range 8 {
		ids = append(ids, eng.DanglingImage(t))
	}
	var winners atomic.Int32
	var group sync.WaitGroup
	for _, id := range ids {
		group.Go(func() {
			created, err := images.Create(t.Context(), newTag(tag, id), metav1.CreateOptions{})
			switch {
			case err == nil:
				winners.Add(1)
				if created.Spec.From != id {
					t.Errorf("the answer is from %s, want %s", created.Spec.From, id)
				}
			case !apierrors.IsAlreadyExists(err):
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := winners.Load(); n != 1 {
		t.Errorf("%d have created the tag", n)
	}
}

func TestATagThatCannotBeMadeIsInvalid(t *testing.T) {
	images := newImages(t)
	id := eng.Image(t, engine.UniqueName("source")+":v1")
	labelled := newTag(engine.UniqueName("labelled")+":v1", id)
	labelled.Labels = map[string]string{"a": "b"}
	annotated := newTag(engine.UniqueName("annotated")+":v1", id)
	annotated.Annotations = map[string]string{"a": "b"}
	for what, test := range map[string]struct {
		image *v1alpha1.Image
		words string
	}{
		"no source":                 {newTag(engine.UniqueName("new")+":v1", ""), "spec.from"},
		"a source that is not":      {newTag(engine.UniqueName("new")+":v1", "nowhere:v1"), "spec.from"},
		"a source that is a path":   {newTag(engine.UniqueName("new")+":v1", "../../containers/web"), "spec.from"},
		"the beginning of an ID":    {newTag(engine.UniqueName("new")+":v1", id[:12]), "spec.from"},
		"a name without a tag":      {newTag("new", id), "must be written as new:latest"},
		"another spelling":          {newTag("docker.io~library~new:v1", id), "must be written as new:v1"},
		"a name that is a digest":   {newTag("new@"+id, id), "metadata.name"},
		"a name that is an ID":      {newTag(id, id), "metadata.name"},
		"a name in capital letters": {newTag("New:v1", id), "metadata.name"},
		"labels":                    {labelled, "metadata.labels"},
		"annotations":               {annotated, "metadata.annotations"},
	} {
		_, err := images.Create(t.Context(), test.image, metav1.CreateOptions{})
		if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), test.words) {
			t.Errorf("%s: %v, want %q", what, err, test.words)
		}
	}
}

func TestADryRunOfATagChangesNothing(t *testing.T) {
	images := newImages(t)
	tag, other := engine.UniqueName("dry")+":v1", engine.UniqueName("dry")+":v1"
	id, otherID := eng.Image(t, tag), eng.Image(t, other)
	dryRun := []string{metav1.DryRunAll}
	name := engine.UniqueName("dry") + ":v2"
	created, err := images.Create(t.Context(), newTag(name, tag), metav1.CreateOptions{DryRun: dryRun})
	if err != nil || created.Spec.From != id {
		t.Errorf("create answers %+v, %v", created, err)
	}
	if got := ownerOf(t, name); got != "" {
		t.Errorf("the tag is there, at %s", got)
	}
	moved, err := images.Patch(t.Context(), tag, types.MergePatchType, fromPatch(other), metav1.PatchOptions{DryRun: dryRun})
	if err != nil || moved.Spec.From != otherID {
		t.Errorf("patch answers %+v, %v", moved, err)
	}
	if got := ownerOf(t, tag); got != id {
		t.Errorf("the tag has moved to %s", got)
	}
	if _, err := images.Create(t.Context(), newTag(name, "nowhere:v1"), metav1.CreateOptions{DryRun: dryRun}); !apierrors.IsInvalid(err) {
		t.Errorf("a source that is not there: %v", err)
	}
	if _, err := images.Create(t.Context(), newTag(tag, other), metav1.CreateOptions{DryRun: dryRun}); !apierrors.IsAlreadyExists(err) {
		t.Errorf("a tag that is there: %v", err)
	}
}

func TestAChangeOfFromMovesTheTag(t *testing.T) {
	images := newImages(t)
	tag, other := engine.UniqueName("moving")+":v1", engine.UniqueName("target")+":v1"
	id, otherID := eng.Image(t, tag), eng.Image(t, other)
	before, err := images.Get(t.Context(), tag, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	watching, err := images.Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + tag, ResourceVersion: before.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	defer watching.Stop()

	moved, err := images.Patch(t.Context(), tag, types.MergePatchType, fromPatch(other), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if moved.Spec.From != otherID || moved.Status.ID != otherID || moved.Name != tag || moved.UID == before.UID {
		t.Errorf("the answer is %+v", moved)
	}
	if got := ownerOf(t, tag); got != otherID {
		t.Errorf("the tag is at %s in Docker", got)
	}
	for _, want := range []struct {
		kind watch.EventType
		id   string
	}{{watch.Deleted, id}, {watch.Added, otherID}} {
		event := <-watching.ResultChan()
		if image, ok := event.Object.(*v1alpha1.Image); !ok || event.Type != want.kind || image.Status.ID != want.id {
			t.Errorf("the watch shows %+v, want %s of %s", event, want.kind, want.id)
		}
	}
	again, err := images.Patch(t.Context(), tag, types.MergePatchType, fromPatch(other), metav1.PatchOptions{})
	if err != nil || again.ResourceVersion != moved.ResourceVersion {
		t.Errorf("the same change again answers %+v, %v", again, err)
	}
}

func TestAStaleChangeDoesNotMoveATag(t *testing.T) {
	images := newImages(t)
	tag := engine.UniqueName("stale") + ":v1"
	eng.Image(t, tag)
	stale, err := images.Get(t.Context(), tag, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	now := eng.Image(t, tag) // somebody moves it
	stale.Spec.From = engine.Busybox
	if _, err := images.Update(t.Context(), stale, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("a change of an old version: %v, want a conflict", err)
	}
	byUID := fmt.Appendf(nil, `{"metadata":{"uid":%q},"spec":{"from":%q}}`, stale.UID, engine.Busybox)
	if _, err := images.Patch(t.Context(), tag, types.MergePatchType, byUID, metav1.PatchOptions{}); !apierrors.IsInvalid(err) {
		t.Errorf("a change of another uid: %v, want it to be invalid", err)
	}
	for what, patch := range map[string][]byte{
		"a source that is not there": fromPatch("nowhere:v1"),
		"a label":                    []byte(`{"metadata":{"labels":{"a":"b"}}}`),
	} {
		if _, err := images.Patch(t.Context(), tag, types.MergePatchType, patch, metav1.PatchOptions{}); !apierrors.IsInvalid(err) {
			t.Errorf("%s: %v, want it to be invalid", what, err)
		}
	}
	dangling := eng.DanglingImage(t)
	if _, err := images.Patch(t.Context(), dangling, types.MergePatchType, fromPatch(engine.Busybox), metav1.PatchOptions{}); !apierrors.IsInvalid(err) {
		t.Errorf("an image without a tag: %v, want it to be invalid", err)
	}
	if got := ownerOf(t, tag); got != now {
		t.Errorf("the tag is at %s in Docker, want %s", got, now)
	}
}

func TestATagIsNeverMissingWhileItMoves(t *testing.T) {
	images := newImages(t)
	tag := engine.UniqueName("steady") + ":v1"
	ids := []string{eng.Image(t, tag), eng.Image(t, engine.UniqueName("steady")+":v2")}
	ended := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				if _, err := images.Get(t.Context(), tag, metav1.GetOptions{}); err != nil {
					t.Errorf("a get while the tag moves: %v", err)
					return
				}
			}
		})
	}
	for n := range 30 {
		to := ids[(n+1)%2]
		moved, err := images.Patch(t.Context(), tag, types.MergePatchType, fromPatch(to), metav1.PatchOptions{})
		if err != nil || moved.Spec.From != to {
			t.Errorf("move %d answers %+v, %v", n, moved, err)
		}
	}
	close(ended)
	readers.Wait()
}

func TestAServerSideApplyMakesAndMovesATag(t *testing.T) {
	images := newImages(t)
	tag, source := engine.UniqueName("applied")+":v1", engine.UniqueName("source")+":v1"
	id := eng.Image(t, source)
	for _, test := range []struct{ from, want string }{{source, id}, {source, id}, {engine.Busybox, ownerOf(t, engine.Busybox)}} {
		apply := applyv1alpha1.Image(tag, testserver.Namespace).WithSpec(applyv1alpha1.ImageSpec().WithFrom(test.from))
		got, err := images.Apply(t.Context(), apply, metav1.ApplyOptions{FieldManager: "test"})
		if err != nil {
			t.Fatal(err)
		}
		if got.Spec.From != test.want || ownerOf(t, tag) != test.want {
			t.Errorf("from %s: the answer is from %s and Docker has %s, want %s", test.from, got.Spec.From, ownerOf(t, tag), test.want)
		}
	}
}

func TestAServerThatMayNotTagOffersNoTags(t *testing.T) {
	images := newImages(t, "--engine-access=operate")
	if _, err := images.Create(t.Context(), newTag("new:v1", engine.Busybox), metav1.CreateOptions{}); !apierrors.IsMethodNotSupported(err) {
		t.Errorf("create: %v", err)
	}
	if _, err := images.Patch(t.Context(), engine.Busybox, types.MergePatchType, fromPatch(engine.Busybox), metav1.PatchOptions{}); !apierrors.IsMethodNotSupported(err) {
		t.Errorf("patch: %v", err)
	}
}
