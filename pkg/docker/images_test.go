// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/build"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/images"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

func byForce(ctx context.Context) context.Context {
	grace := int64(0)
	return source.WithDeleteOptions(ctx, &metav1.DeleteOptions{GracePeriodSeconds: &grace})
}

func TestEveryChangeOfAnImageShows(t *testing.T) {
	x := connect(t)
	tag := engine.UniqueName("img") + ":v1"
	other := "localhost:5000/team/" + tag
	id := shared.Image(t, tag)
	first := x.image(t, tag)
	if first == nil || first.Status.ID != id {
		t.Fatalf("after import: %+v", first)
	}
	shared.Tag(t, tag, other)
	second := x.image(t, containers.NameOfTag(other))
	if second == nil || second.Status.ID != id || second.UID == first.UID {
		t.Fatalf("after tag: %+v", second)
	}
	if x.image(t, id) != nil {
		t.Error("a tagged image has an object of its own")
	}
	remove := func(reference string) {
		_, err := x.docker.ImageRemove(t.Context(), reference, image.RemoveOptions{})
		dockertest.Must(t, err)
	}
	remove(other)
	if x.image(t, containers.NameOfTag(other)) != nil || x.image(t, tag) == nil {
		t.Error("the untag removed the wrong object, or none")
	}
	remove(tag)
	if x.image(t, tag) != nil || x.image(t, id) != nil {
		t.Error("the image is shown after its removal")
	}
}

func TestAnImageThatAnEventShowsBeforeTheFirstListSaysWhetherItIsInUse(t *testing.T) {
	x := connect(t)
	tag := engine.UniqueName("early") + ":v1"
	id := shared.Image(t, tag)
	shared.Create(t, engine.UniqueName("user"), engine.FromImage(tag))
	unlisted := images.New(source.Engine{Client: x.client, Namespace: DefaultNamespace, Events: x.Fence}, func() bool { return false })
	objects, _, err := unlisted.Observe(t.Context(), id)
	dockertest.Must(t, err)
	if len(objects) != 1 {
		t.Fatalf("%d objects, want one", len(objects))
	}
	for _, object := range objects {
		if used := object.(*v1alpha1.Image).Status.InUse; used == nil || !*used {
			t.Errorf("inUse is %v, want true", used)
		}
	}
}

func TestTheFormerOwnerOfAMovedTagShowsAsDangling(t *testing.T) {
	x := connect(t)
	tag := engine.UniqueName("moved") + ":v1"
	for what, move := range map[string]func() string{
		"tag": func() string {
			id := shared.Image(t, engine.UniqueName("new"))
			shared.Tag(t, id, tag)
			return id
		},
		"import": func() string { return shared.Image(t, tag) },
		"build":  func() string { return buildImage(t, "FROM busybox\nLABEL n="+engine.UniqueName("l")+"\n", tag) },
		"commit": func() string {
			id := shared.Create(t, engine.UniqueName("commit"))
			committed, err := x.docker.ContainerCommit(t.Context(), id, container.CommitOptions{Reference: tag})
			dockertest.Must(t, err)
			return committed.ID
		},
	} {
		oldID := shared.Image(t, tag)
		before := x.image(t, tag)
		if before == nil || before.Status.ID != oldID {
			t.Fatalf("%s: %+v", what, before)
		}
		newID := move()
		after := x.image(t, tag)
		if after == nil || after.Status.ID != newID || after.UID == before.UID {
			t.Errorf("%s: the tag shows as %+v", what, after)
		}
		if dangling := x.image(t, oldID); dangling == nil || dangling.Status.RepoTag != "" {
			t.Errorf("%s: the former owner shows as %+v", what, dangling)
		}
		if err := x.Images().Delete(t.Context(), oldID, before); dockertest.Code(err) != 409 {
			t.Errorf("%s: deleting the stale tag: %v", what, err)
		}
		if x.image(t, tag) == nil {
			t.Errorf("%s: the new image was deleted", what)
		}
	}
}

func TestATagThatMovesAndGoesBeforeAnybodyLooksLeavesItsFormerOwner(t *testing.T) {
	x := connect(t)
	tag := engine.UniqueName("passing") + ":v1"
	oldID, newID := shared.Image(t, tag), shared.Image(t, engine.UniqueName("new")+":v1")
	if before := x.image(t, tag); before == nil || before.Status.ID != oldID {
		t.Fatalf("%+v", before)
	}
	x.i.mu.Lock() // the view observes nothing while this is locked
	tagErr := x.docker.ImageTag(t.Context(), newID, tag)
	_, untagErr := x.docker.ImageRemove(t.Context(), tag, image.RemoveOptions{})
	x.i.mu.Unlock()
	dockertest.Must(t, tagErr)
	dockertest.Must(t, untagErr)
	if after := x.image(t, tag); after != nil {
		t.Errorf("the tag shows as %+v", after)
	}
	if dangling := x.image(t, oldID); dangling == nil || dangling.Status.RepoTag != "" {
		t.Errorf("the former owner shows as %+v", dangling)
	}
}

// buildImage builds an image with the classic builder.
func buildImage(t *testing.T, dockerfile, tag string) string {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	dockertest.Must(t, w.WriteHeader(&tar.Header{Name: "Dockerfile", Mode: 0o644, Size: int64(len(dockerfile))}))
	_, err := io.WriteString(w, dockerfile)
	dockertest.Must(t, err)
	dockertest.Must(t, w.Close())
	options := build.ImageBuildOptions{Remove: true, ForceRemove: true, NetworkMode: "none"}
	if tag != "" {
		options.Tags = []string{tag}
	}
	response, err := shared.Client().ImageBuild(t.Context(), &archive, options)
	dockertest.Must(t, err)
	defer response.Body.Close()
	output, err := io.ReadAll(response.Body)
	dockertest.Must(t, err)
	_, id, found := strings.Cut(string(output), `{"aux":{"ID":"`)
	for rest := id; found; _, rest, found = strings.Cut(rest, `{"aux":{"ID":"`) {
		id = rest
	}
	id, _, _ = strings.Cut(id, `"`)
	if !names.IsFullImageID(id) {
		t.Fatalf("the build said %s", output)
	}
	t.Cleanup(func() {
		_, _ = shared.Client().ImageRemove(context.Background(), id, image.RemoveOptions{Force: true, PruneChildren: true})
	})
	return id
}

func TestStepsOfABuildAreHiddenLikeInDocker(t *testing.T) {
	x := connect(t)
	tag := engine.UniqueName("built") + ":v1"
	id := buildImage(t, "FROM busybox\nLABEL a="+tag+"\nENV b=1\nCMD [\"true\"]\n", tag)
	if x.image(t, tag) == nil {
		t.Fatal("the image is not shown")
	}
	inspected, err := x.docker.ImageInspect(t.Context(), id)
	dockertest.Must(t, err)
	parent := inspected.Parent //lint:ignore SA1019 as in images.go
	objects, _, err := x.Images().Observe(t.Context(), parent)
	if err != nil || len(objects) != 0 {
		t.Errorf("a step shows as %v, %v", objects, err)
	}
	// Without its child, the step is an image like any other.
	_, err = x.docker.ImageRemove(t.Context(), tag, image.RemoveOptions{PruneChildren: false})
	dockertest.Must(t, err)
	if x.image(t, tag) != nil {
		t.Error("the removed image is shown")
	}
	if x.image(t, parent) == nil {
		t.Error("the step is not shown after its child is gone")
	}
	_, err = x.docker.ImageRemove(t.Context(), parent, image.RemoveOptions{PruneChildren: true})
	dockertest.Must(t, err)
}

func TestAnUntaggedCommitShowsThoughItRaisesNoImageEvent(t *testing.T) {
	x := connect(t)
	id := shared.Create(t, engine.UniqueName("commit"))
	committed, err := x.docker.ContainerCommit(t.Context(), id, container.CommitOptions{Comment: engine.UniqueName("c")})
	dockertest.Must(t, err)
	eventually(t, "the image", func() bool { return x.image(t, committed.ID) != nil })
	dockertest.Must(t, x.Images().Delete(t.Context(), committed.ID, x.image(t, committed.ID)))
	if x.image(t, committed.ID) != nil {
		t.Error("shown after its removal")
	}
}

func TestAPruneOfImagesShows(t *testing.T) {
	x := connect(t)
	id := shared.DanglingImage(t)
	if i := x.image(t, id); i == nil || i.Status.Conditions[0].Status != metav1.ConditionFalse {
		t.Fatalf("%+v", i)
	}
	lists := x.i.lists
	_, err := x.docker.ImagesPrune(t.Context(), filters.NewArgs())
	dockertest.Must(t, err)
	if x.image(t, id) != nil {
		t.Error("shown after the prune")
	}
	if x.i.lists == lists {
		t.Error("the prune did not mark the whole kind")
	}
}

func TestASavedImageCanBeLoadedAndShows(t *testing.T) {
	x := connect(t)
	tag := engine.UniqueName("saved") + ":v1"
	id := shared.Image(t, tag)
	saved, err := x.docker.ImageSave(t.Context(), []string{tag})
	dockertest.Must(t, err)
	content, err := io.ReadAll(saved)
	dockertest.Must(t, err)
	dockertest.Must(t, saved.Close())
	dockertest.Must(t, x.Images().Delete(t.Context(), id, x.image(t, tag)))
	if x.image(t, tag) != nil {
		t.Fatal("shown after its removal")
	}
	loaded, err := x.docker.ImageLoad(t.Context(), bytes.NewReader(content))
	dockertest.Must(t, err)
	_, err = io.Copy(io.Discard, loaded.Body)
	dockertest.Must(t, err)
	dockertest.Must(t, loaded.Body.Close())
	if i := x.image(t, tag); i == nil || i.Status.ID != id {
		t.Errorf("after the load: %+v", i)
	}
}

func TestAnImageIsFoundByItsTagAsDockerWritesItAndByItsIDsOnly(t *testing.T) {
	x := connect(t)
	tag := "localhost:5000/" + engine.UniqueName("lookup") + ":v1"
	id := shared.Image(t, tag)
	hex := strings.TrimPrefix(id, "sha256:")
	for _, known := range []string{containers.NameOfTag(tag), id, hex, hex[:12]} {
		if got, err := x.Images().Lookup(t.Context(), "engine/"+known); got != id || err != nil {
			t.Errorf("%s: %q, %v", known, got, err)
		}
	}
	busybox, err := x.docker.ImageInspect(t.Context(), engine.Busybox)
	dockertest.Must(t, err)
	for _, known := range []string{"busybox", "busybox:latest", "docker.io~library~busybox"} {
		if got, err := x.Images().Lookup(t.Context(), "engine/"+known); got != busybox.ID || err != nil {
			t.Errorf("%s: %q, %v", known, got, err)
		}
	}
	for _, unknown := range []string{tag, hex[:3], hex[:13], "sha256:" + hex[:12], "busybox:v1", "nothing:v1", "..", "..~containers~x:y", ""} {
		if got, err := x.Images().Lookup(t.Context(), "engine/"+unknown); got != "" || err != nil {
			t.Errorf("%q: %q, %v", unknown, got, err)
		}
	}
	if got, _ := x.Images().Lookup(t.Context(), "elsewhere/busybox:latest"); got != "" {
		t.Errorf("another namespace: %q", got)
	}
}

func TestAnImageInUseIsAConflictThatNamesItsContainers(t *testing.T) {
	x := connect(t)
	tag := engine.UniqueName("used") + ":v1"
	id := buildImage(t, "FROM busybox\nLABEL a="+tag+"\n", tag)
	name := engine.UniqueName("user")
	shared.Create(t, name, engine.FromImage(tag))
	shared.Create(t, name+"-2", engine.FromImage(tag))
	err := x.Images().Delete(t.Context(), id, x.image(t, tag))
	if dockertest.Code(err) != 409 || !dockertest.Contains(err, "conflict") || !dockertest.Contains(err, "used by: "+name+", "+name+"-2") {
		t.Errorf("%v", err)
	}
	dockertest.Must(t, x.Images().Delete(byForce(t.Context()), id, x.image(t, tag)))
	if x.image(t, tag) != nil {
		t.Error("shown after it was removed by force")
	}
}

func TestOneTagOfSeveralIsRemovedAlone(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("several")
	id := shared.Image(t, name+":v1")
	shared.Tag(t, id, name+":v2")
	v1 := x.image(t, name+":v1")
	dockertest.Must(t, x.Images().Delete(t.Context(), id, v1))
	if x.image(t, name+":v1") != nil || x.image(t, name+":v2") == nil {
		t.Error("the delete removed more than its tag, or nothing")
	}
	if err := x.Images().Delete(t.Context(), id, v1); dockertest.Code(err) != 404 {
		t.Errorf("second delete: %v", err)
	}
}

func TestADanglingImageThatWasTaggedMeanwhileIsKept(t *testing.T) {
	x := connect(t)
	id := shared.DanglingImage(t)
	dangling := x.image(t, id)
	tag := engine.UniqueName("meanwhile") + ":v1"
	shared.Tag(t, id, tag)
	if err := x.Images().Delete(byForce(t.Context()), id, dangling); dockertest.Code(err) != 409 || !dockertest.Contains(err, tag) {
		t.Errorf("%v", err)
	}
	if x.image(t, tag) == nil {
		t.Error("the image is gone")
	}
}

func TestDeletingAnImageNeedsItsIDAndATag(t *testing.T) {
	x := connect(t)
	id := shared.Image(t, engine.UniqueName("guard")+":v1")
	for subject, tag := range map[string]string{"../containers/x": "", "busybox": "", id[:20]: ""} {
		if err := x.Images().Delete(t.Context(), subject, &v1alpha1.Image{Status: v1alpha1.ImageStatus{RepoTag: tag}}); dockertest.Code(err) != 404 {
			t.Errorf("%s: %v", subject, err)
		}
	}
	for _, tag := range []string{"../containers/x", id, id[7:19], "busybox", "docker.io/library/busybox:latest"} {
		if err := x.Images().Delete(t.Context(), id, &v1alpha1.Image{Status: v1alpha1.ImageStatus{RepoTag: tag}}); dockertest.Code(err) != 404 {
			t.Errorf("%s: %v", tag, err)
		}
	}
}
