// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"context"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/volume"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// follower is a reader of Docker's events and watchers of the server.
type follower struct{ byDocker, byServer *sightings }

// followAll returns followers that end with ctx.
func (s *setting) followAll(ctx context.Context, c *cluster) follower {
	f := follower{newSightings(), newSightings()}
	messages, _ := s.engine.Client().Events(ctx, events.ListOptions{})
	go readEvents(ctx, messages, f.byDocker)
	client := c.typed(s)
	for _, resource := range []struct {
		list  func(context.Context, metav1.ListOptions) (string, error)
		start func(context.Context, metav1.ListOptions) (watch.Interface, error)
	}{
		{listOf(client.Containers(namespace).List), client.Containers(namespace).Watch},
		{listOf(client.Images(namespace).List), client.Images(namespace).Watch},
		{listOf(client.Volumes(namespace).List), client.Volumes(namespace).Watch},
	} {
		version, err := resource.list(ctx, metav1.ListOptions{Limit: 1})
		if err != nil {
			s.Fatal(err)
		}
		watcher, err := resource.start(ctx, metav1.ListOptions{ResourceVersion: version})
		if err != nil {
			s.Fatal(err)
		}
		go readWatch(watcher, f.byServer)
	}
	return f
}

func listOf[T metav1.ListInterface](list func(context.Context, metav1.ListOptions) (T, error)) func(context.Context, metav1.ListOptions) (string, error) {
	return func(ctx context.Context, opts metav1.ListOptions) (string, error) {
		found, err := list(ctx, opts)
		if err != nil {
			return "", err
		}
		return found.GetResourceVersion(), nil
	}
}

func (s *setting) changesNow() { s.changesSeen(standalone, s.server.cluster) }

func (s *setting) changesBehind() { s.changesSeen(aggregated, s.behind.cluster) }

// changesSeen times how long after its call a change is seen, with what the engine holds now.
func (s *setting) changesSeen(by side, c *cluster) {
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	f := s.followAll(ctx, c)
	found, err := s.engine.Client().ContainerList(ctx, container.ListOptions{All: true})
	if err != nil {
		s.Fatal(err)
	}
	present := "none"
	if len(found) > 0 {
		present = fmt.Sprint(len(found))
	}
	measure := func(name string, call func() error, whats ...string) {
		s.Helper()
		if err := call(); err != nil {
			s.Fatal(err)
		}
		returned := time.Now()
		for _, what := range whats {
			figure := fmt.Sprintf("change to watcher, %s, %s present", what, present)
			byDocker, byServer := f.byDocker.await(s, what, name), f.byServer.await(s, what, name)
			if by == standalone { // beside which docker is measured
				s.took(figure, docker, byDocker.Sub(returned))
			}
			s.took(figure, by, byServer.Sub(returned))
		}
	}
	for range s.changes {
		s.change(measure)
	}
}

func (s *setting) change(measure func(name string, call func() error, whats ...string)) {
	ctx, client := s.Context(), s.engine.Client()
	box, data, ref := engine.UniqueName("change"), engine.UniqueName("change"), engine.UniqueName("change")+":v1"
	measure(box, func() error { return s.createContainer(box) }, "create")
	measure(box, func() error { return client.ContainerStart(ctx, box, container.StartOptions{}) }, "start")
	// From die to stop Docker holds the container's lock and shows it to nobody: die is measured by the event of stop.
	measure(box, func() error { return client.ContainerStop(ctx, box, container.StopOptions{Timeout: new(0)}) }, "stop")
	measure(box, func() error { return client.ContainerRemove(ctx, box, container.RemoveOptions{}) }, "destroy")
	measure(ref, func() error { return client.ImageTag(ctx, engine.Busybox, ref) }, "tag")
	if _, err := client.ImageRemove(ctx, ref, image.RemoveOptions{}); err != nil { // its event does not name the tag
		s.Fatal(err)
	}
	measure(data, func() error {
		_, err := client.VolumeCreate(ctx, volume.CreateOptions{Name: data})
		return err
	}, "volume create")
	measure(data, func() error { return client.VolumeRemove(ctx, data, false) }, "volume destroy")
}

// eventsPerLife counts what a watcher sees of a container from its creation to its removal.
func (s *setting) eventsPerLife() {
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	f := s.followAll(ctx, s.server.cluster)
	client := s.engine.Client()
	for range s.lives {
		name := engine.UniqueName("life")
		for _, step := range []func() error{
			func() error { return s.createContainer(name) },
			func() error { return client.ContainerStart(ctx, name, container.StartOptions{}) },
			func() error { return client.ContainerStop(ctx, name, container.StopOptions{Timeout: new(0)}) },
			func() error { return client.ContainerRemove(ctx, name, container.RemoveOptions{}) },
		} {
			if err := step(); err != nil {
				s.Fatal(err)
			}
		}
		f.byServer.await(s, "destroy", name)
		s.add("events per container life", plain, standalone, float64(f.byServer.count(name)))
		s.add("events per container life", plain, docker, float64(f.byDocker.count(name)))
	}
}

func readEvents(ctx context.Context, messages <-chan events.Message, seen *sightings) {
	for {
		select {
		case message := <-messages:
			if message.Type == events.VolumeEventType {
				seen.add(message.Actor.ID, "volume "+string(message.Action))
			} else {
				seen.add(message.Actor.Attributes["name"], string(message.Action))
			}
		case <-ctx.Done():
			return
		}
	}
}

func readWatch(watcher watch.Interface, seen *sightings) {
	for event := range watcher.ResultChan() {
		switch object := event.Object.(type) {
		case *v1alpha1.Container:
			seen.add(object.Name, containerEvent(event.Type, object))
		case *v1alpha1.Image:
			seen.add(object.Status.RepoTag, "tag")
		case *v1alpha1.Volume:
			if event.Type == watch.Added {
				seen.add(object.Name, "volume create")
			} else {
				seen.add(object.Name, "volume destroy")
			}
		}
	}
}

func containerEvent(is watch.EventType, object *v1alpha1.Container) string {
	switch {
	case is == watch.Added:
		return "create"
	case is == watch.Deleted:
		return "destroy"
	case object.Status.Status == v1alpha1.ContainerDockerStatusRunning:
		return "start"
	case object.Status.Status == v1alpha1.ContainerDockerStatusExited:
		return "stop"
	}
	return "another change"
}
