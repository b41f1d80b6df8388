// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/volume"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	typed "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// usage compares what the server says is in use with what Docker says.
type usage struct {
	t       *testing.T
	images  typed.ImageInterface
	volumes typed.VolumeInterface
}

func selecting(field string) metav1.ListOptions { return metav1.ListOptions{FieldSelector: field} }

func filtered(name, value string) filters.Args { return filters.NewArgs(filters.Arg(name, value)) }

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func (u usage) imageIDs(field string) sets.Set[string] {
	u.t.Helper()
	ids := sets.New[string]()
	for _, i := range must(u.images.List(u.t.Context(), selecting(field)))(u.t).Items {
		ids.Insert(i.Status.ID)
	}
	return ids
}

func (u usage) volumeNames(field string) sets.Set[string] {
	u.t.Helper()
	return sets.New(namesIn(u.t, must(u.volumes.List(u.t.Context(), selecting(field)))(u.t))...)
}

func (u usage) danglingVolumes(value string) sets.Set[string] {
	u.t.Helper()
	names := sets.New[string]()
	for _, v := range must(eng.Client().VolumeList(u.t.Context(), volume.ListOptions{Filters: filtered("dangling", value)}))(u.t).Volumes {
		names.Insert(v.Name)
	}
	return names
}

// check fails the test unless server and Docker say the same now.
func (u usage) check(after string) {
	u.t.Helper()
	ctx, docker := u.t.Context(), eng.Client()
	dangling, used, all := sets.New[string](), sets.New[string](), sets.New[string]()
	for _, i := range must(docker.ImageList(ctx, image.ListOptions{Filters: filtered("dangling", "true")}))(u.t) {
		dangling.Insert(i.ID)
	}
	for _, i := range must(docker.ImageList(ctx, image.ListOptions{}))(u.t) {
		all.Insert(i.ID)
	}
	for _, c := range must(docker.ContainerList(ctx, container.ListOptions{All: true}))(u.t) {
		used.Insert(c.ImageID)
	}
	same := func(what string, got, want sets.Set[string]) {
		u.t.Helper()
		if !got.Equal(want) {
			u.t.Errorf("after %s: %s are %q, and Docker says %q", after, what, sets.List(got), sets.List(want))
		}
	}
	same("dangling images", u.imageIDs("status.dangling=true"), dangling)
	same("other images", u.imageIDs("status.dangling=false"), all.Difference(dangling))
	same("images in use", u.imageIDs("status.inUse=true"), used.Intersection(all))
	same("images that nothing uses", u.imageIDs("status.inUse=false"), all.Difference(used))
	same("volumes in use", u.volumeNames("status.inUse=true"), u.danglingVolumes("false"))
	same("volumes that nothing uses", u.volumeNames("status.inUse=false"), u.danglingVolumes("true"))
}

// checkGets fails the test unless gets of an image and a volume show whether they are in use.
func (u usage) checkGets(after, imageName, volumeName string, want bool) {
	u.t.Helper()
	i := must(u.images.Get(u.t.Context(), imageName, metav1.GetOptions{}))(u.t)
	v := must(u.volumes.Get(u.t.Context(), volumeName, metav1.GetOptions{}))(u.t)
	for name, inUse := range map[string]*bool{imageName: i.Status.InUse, volumeName: v.Status.InUse} {
		if inUse == nil || *inUse != want {
			u.t.Errorf("after %s: inUse of %s is %v", after, name, inUse)
		}
	}
}

func newUsage(t *testing.T) usage {
	client := newClient(t, testserver.Start(t, eng.Host()).Config(t))
	return usage{t, client.Images(testserver.Namespace), client.Volumes(testserver.Namespace)}
}

// mounting makes a container mount a volume, and with anonymous also one whose name Docker makes up.
func mounting(volume string, anonymous bool) engine.ContainerOption {
	return func(config *container.Config, host *container.HostConfig) {
		host.Binds = []string{volume + ":/data"}
		if anonymous {
			config.Volumes = map[string]struct{}{"/anonymous": {}}
		}
	}
}

func TestAGetShowsWhatCameIntoUseAndWhatWentOutOfUseBeforeIt(t *testing.T) {
	u := newUsage(t)
	for range 20 {
		name := engine.UniqueName("gotten")
		tag := name + ":v1"
		eng.Image(t, tag)
		eng.Volume(t, name, nil)
		u.checkGets("their creation", tag, name, false)
		id := eng.Create(t, name, engine.FromImage(tag), mounting(name, false))
		u.checkGets("docker create", tag, name, true)
		if err := eng.Client().ContainerRemove(t.Context(), id, container.RemoveOptions{}); err != nil {
			t.Fatal(err)
		}
		u.checkGets("docker rm", tag, name, false)
	}
}

func TestWhatIsInUseAndWhatIsDanglingIsAsDockerSaysAtEveryMoment(t *testing.T) {
	u := newUsage(t)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("the seed is %d", seed)
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	docker := eng.Client()

	watching, err := u.volumes.Watch(t.Context(), selecting("status.inUse=false"))
	if err != nil {
		t.Fatal(err)
	}
	defer watching.Stop()
	watched := sets.New[string]()

	var containers, volumes []string
	tags := []string{engine.Busybox}
	steps := []struct {
		name string
		do   func(ctx context.Context) error
	}{
		{"a new image", func(context.Context) error {
			tags = append(tags, engine.UniqueName("usage")+":v1")
			eng.Image(t, tags[len(tags)-1])
			return nil
		}},
		{"a new volume", func(context.Context) error {
			volumes = append(volumes, engine.UniqueName("usage"))
			eng.Volume(t, volumes[len(volumes)-1], nil)
			return nil
		}},
		{"docker create", func(context.Context) error {
			if len(volumes) > 0 {
				containers = append(containers, eng.Create(t, engine.UniqueName("usage"), engine.FromImage(pick(tags)), mounting(pick(volumes), random.IntN(2) == 0)))
			}
			return nil
		}},
		{"docker run", func(context.Context) error {
			containers = append(containers, eng.Run(t, engine.UniqueName("usage")))
			return nil
		}},
		{"docker rm", func(ctx context.Context) error {
			if len(containers) == 0 {
				return nil
			}
			n := random.IntN(len(containers))
			id := containers[n]
			containers = slices.Delete(containers, n, n+1)
			return docker.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: random.IntN(2) == 0})
		}},
		{"docker tag", func(ctx context.Context) error {
			tag := engine.UniqueName("usage") + ":v1"
			source := pick(tags)
			tags = append(tags, tag)
			return docker.ImageTag(ctx, source, tag)
		}},
		{"a moved tag", func(ctx context.Context) error {
			if len(tags) > 2 {
				return docker.ImageTag(ctx, pick(tags), tags[1+random.IntN(len(tags)-1)])
			}
			return nil
		}},
		{"docker rmi --force", func(ctx context.Context) error {
			if len(tags) < 2 {
				return nil
			}
			n := 1 + random.IntN(len(tags)-1)
			tag := tags[n]
			tags = slices.Delete(tags, n, n+1)
			_, err := docker.ImageRemove(ctx, tag, image.RemoveOptions{Force: true})
			return err
		}},
		{"docker volume prune", func(ctx context.Context) error {
			_, err := docker.VolumesPrune(ctx, filters.NewArgs())
			left := u.danglingVolumes("false").Union(u.danglingVolumes("true"))
			volumes = slices.DeleteFunc(volumes, func(name string) bool { return !left.Has(name) })
			return err
		}},
		{"docker image prune", func(ctx context.Context) error {
			_, err := docker.ImagesPrune(ctx, filters.NewArgs())
			return err
		}},
		{"docker commit", func(ctx context.Context) error {
			if len(containers) == 0 {
				return nil
			}
			id := pick(containers)
			if _, err := docker.ImageInspect(ctx, must(docker.ContainerInspect(ctx, id))(t).Image); cerrdefs.IsNotFound(err) {
				return nil // Docker commits no container whose image was removed
			}
			_, err := docker.ContainerCommit(ctx, id, container.CommitOptions{})
			return err
		}},
	}
	for range 120 {
		step := steps[random.IntN(len(steps))]
		if err := step.do(t.Context()); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		u.check(step.name)
	}
	for problem := "the watch has not begun"; problem != ""; {
		event := <-watching.ResultChan()
		v, ok := event.Object.(*v1alpha1.Volume)
		if !ok {
			t.Fatalf("the watch ends with %+v", event)
		}
		if event.Type == watch.Deleted {
			watched.Delete(v.Name)
		} else {
			watched.Insert(v.Name)
		}
		if problem = ""; !watched.Equal(u.danglingVolumes("true")) {
			problem = "the watch shows others"
		}
	}
}

func TestADeletedCollectionLeavesWhatIsInUseAndNamesIt(t *testing.T) {
	u := newUsage(t)
	label := engine.UniqueName("collection")
	var all, used []string
	for n := range 6 {
		name := fmt.Sprintf("%s-%d", label, n)
		eng.Volume(t, name, map[string]string{"collection": label})
		all = append(all, name)
		if n%3 == 0 {
			eng.Create(t, name+"-user", mounting(name, false))
			used = append(used, name)
		}
	}
	options := metav1.ListOptions{LabelSelector: "collection=" + label}
	err := u.volumes.DeleteCollection(t.Context(), metav1.DeleteOptions{}, options)
	if !apierrors.IsConflict(err) {
		t.Fatalf("%v, want a conflict", err)
	}
	for _, name := range all {
		if names := strings.Contains(err.Error(), name+" ("); names != slices.Contains(used, name) {
			t.Errorf("the error names %s: %t: %v", name, names, err)
		}
	}
	for _, name := range used {
		if !strings.Contains(err.Error(), "used by: "+name+"-user") {
			t.Errorf("the error does not name the user of %s: %v", name, err)
		}
	}
	if left := namesIn(t, must(u.volumes.List(t.Context(), options))(t)); !slices.Equal(left, used) {
		t.Errorf("%q are left, want %q", left, used)
	}
}

func TestADeletedCollectionOfWhatNothingUsesIsAPrune(t *testing.T) {
	u := newUsage(t)
	name := engine.UniqueName("pruned")
	for _, suffix := range []string{"-used", "-unused"} {
		eng.Volume(t, name+suffix, nil)
		eng.Image(t, name+suffix+":v1")
	}
	dangling := eng.DanglingImage(t)
	eng.Create(t, name, engine.FromImage(name+"-used:v1"), mounting(name+"-used", true))
	anonymous := u.volumeNames("status.anonymous=true,status.inUse=true")
	if len(anonymous) != 1 {
		t.Errorf("%q are anonymous and in use, want one", sets.List(anonymous))
	}

	if err := u.volumes.DeleteCollection(t.Context(), metav1.DeleteOptions{}, selecting("status.inUse=false")); err != nil {
		t.Fatal(err)
	}
	if got := u.volumeNames(""); !got.Has(name+"-used") || got.Has(name+"-unused") || !got.IsSuperset(anonymous) || len(u.danglingVolumes("true")) > 0 {
		t.Errorf("the volumes %q are left", sets.List(got))
	}
	if err := u.images.DeleteCollection(t.Context(), metav1.DeleteOptions{}, selecting("status.dangling=true")); err != nil {
		t.Fatal(err)
	}
	if got := u.imageIDs(""); got.Has(dangling) {
		t.Error("the dangling image is left")
	}
	if got := sets.New(namesIn(t, must(u.images.List(t.Context(), metav1.ListOptions{}))(t))...); !got.HasAll(name+"-used:v1", name+"-unused:v1") {
		t.Errorf("the images %q are left", sets.List(got))
	}
	if err := u.images.DeleteCollection(t.Context(), metav1.DeleteOptions{}, selecting("status.inUse=false,metadata.name!="+engine.Busybox)); err != nil {
		t.Fatal(err)
	}
	if got := sets.New(namesIn(t, must(u.images.List(t.Context(), metav1.ListOptions{}))(t))...); !got.Has(name+"-used:v1") || got.Has(name+"-unused:v1") {
		t.Errorf("the images %q are left", sets.List(got))
	}
}
