// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/container"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

func deletion(grace int64) func(*v1alpha1.Container) {
	return func(c *v1alpha1.Container) {
		now := metav1.Now().Rfc3339Copy()
		c.DeletionTimestamp, c.DeletionGracePeriodSeconds = &now, &grace
	}
}

func TestAGracefulDeletionShowsAndEndsInTheRemoval(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("graceful")
	id := shared.Run(t, name, engine.Command(engine.Stubborn...))
	// The grace period is longer than the test. An answer therefore shows that the request does not wait for its end.
	dockertest.Must(t, x.update(t, t.Context(), name, deletion(3600)))
	if c := x.c.held(name).(*v1alpha1.Container); c.DeletionTimestamp == nil || *c.DeletionGracePeriodSeconds != 3600 || c.Status.Status != "running" {
		t.Errorf("%+v %s", c.ObjectMeta, c.Status.Status)
	}
	dockertest.Must(t, x.docker.ContainerKill(t.Context(), id, "KILL"))
	eventually(t, "the removal", func() bool { return x.c.held(name) == nil })
}

func TestADeletionWithAShortGracePeriodAnswersWhenItHasEnded(t *testing.T) {
	x := connect(t)
	x.stopTheClock()
	name := engine.UniqueName("short")
	shared.Run(t, name, engine.Command(engine.Stubborn...))
	dockertest.Must(t, x.update(t, t.Context(), name, deletion(1)))
	if c := x.c.held(name); c != nil {
		t.Errorf("still there: %+v", c)
	}
}

func TestADeletionOfWhatRemovesItselfSucceeds(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("rm")
	shared.Run(t, name, func(_ *container.Config, h *container.HostConfig) { h.AutoRemove = true })
	dockertest.Must(t, x.update(t, t.Context(), name, deletion(1)))
	eventually(t, "the removal", func() bool { return x.c.held(name) == nil })
}

func TestAShorterGracePeriodShortensTheDeletion(t *testing.T) {
	x := connect(t)
	x.stopTheClock()
	name := engine.UniqueName("shorter")
	shared.Run(t, name, engine.Command(engine.Stubborn...))
	dockertest.Must(t, x.update(t, t.Context(), name, deletion(3600)))
	dockertest.Must(t, x.update(t, t.Context(), name, deletion(1)))
	if c := x.c.held(name); c != nil {
		t.Errorf("still there: %+v", c)
	}
}

func TestAForcedDeleteDoesNotWaitForTheGracefulOne(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("forced")
	id := shared.Run(t, name, engine.Command(engine.Stubborn...))
	dockertest.Must(t, x.update(t, t.Context(), name, deletion(3600)))
	grace := int64(0)
	ctx := source.WithDeleteOptions(t.Context(), &metav1.DeleteOptions{GracePeriodSeconds: &grace})
	dockertest.Must(t, x.Containers().Delete(ctx, id, x.container(t, name)))
	if x.container(t, name) != nil {
		t.Error("still shown")
	}
}

func TestDeletingARunningContainerWithoutForceIsAConflict(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("runs")
	id := shared.Run(t, name)
	c := x.container(t, name)
	if err := x.Containers().Delete(t.Context(), id, c); dockertest.Code(err) != 409 {
		t.Errorf("%v", err)
	}
	dockertest.Must(t, x.update(t, t.Context(), name, state("created")))
	dockertest.Must(t, x.Containers().Delete(t.Context(), id, c))
	if err := x.Containers().Delete(t.Context(), id, c); dockertest.Code(err) != 404 {
		t.Errorf("second delete: %v", err)
	}
	if err := x.Containers().Delete(t.Context(), "../volumes/x", c); dockertest.Code(err) != 404 {
		t.Errorf("a path: %v", err)
	}
	if err := x.Containers().Update(t.Context(), "../volumes/x", c, c); dockertest.Code(err) != 404 {
		t.Errorf("a path: %v", err)
	}
}

func TestAnonymousVolumesOutliveTheirContainer(t *testing.T) {
	x := connect(t)
	name := engine.UniqueName("anonymous")
	id := shared.Create(t, name, func(c *container.Config, _ *container.HostConfig) { c.Volumes = map[string]struct{}{"/data": {}} })
	inspected, err := x.docker.ContainerInspect(t.Context(), id)
	dockertest.Must(t, err)
	volume := inspected.Mounts[0].Name
	grace := int64(0)
	dockertest.Must(t, x.Containers().Delete(source.WithDeleteOptions(t.Context(), &metav1.DeleteOptions{GracePeriodSeconds: &grace}), id, x.container(t, name)))
	v := x.volume(t, volume)
	if v == nil {
		t.Fatal("the volume is gone")
	}
	dockertest.Must(t, x.Volumes().Delete(t.Context(), x.volumeSubject(volume), v))
}

func TestTheTagsOfOneImageCanBeDeletedAllAtOnce(t *testing.T) {
	x := connect(t)
	const rounds, tags = 30, 8
	for range rounds {
		name := engine.UniqueName("at-once")
		id := shared.Image(t, name+":0")
		for i := 1; i < tags; i++ {
			shared.Tag(t, id, fmt.Sprintf("%s:%d", name, i))
		}
		var group sync.WaitGroup
		for i := range tags {
			object := x.image(t, fmt.Sprintf("%s:%d", name, i))
			group.Go(func() {
				if err := x.Images().Delete(t.Context(), id, object); err != nil {
					t.Errorf("deleting %s: %v", object.Name, err)
				}
			})
		}
		group.Wait()
		if found, err := x.docker.ImageInspect(t.Context(), id); err == nil {
			t.Errorf("the image still has the tags %q", found.RepoTags)
		}
	}
}

func TestAnImageThatIsDeletedTwiceAtOnceIsDeletedOrNotFound(t *testing.T) {
	x := connect(t)
	for range 30 {
		id := shared.DanglingImage(t)
		object := x.image(t, id)
		var codes [4]int32
		var group sync.WaitGroup
		for i := range codes {
			group.Go(func() { codes[i] = dockertest.Code(x.Images().Delete(t.Context(), id, object)) })
		}
		group.Wait()
		for _, code := range codes {
			if code != 0 && code != http.StatusNotFound {
				t.Errorf("%v", codes)
			}
		}
	}
}
