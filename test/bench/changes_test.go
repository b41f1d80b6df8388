// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/volume"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// followDocker reads Docker's events until ctx ends.
func (s *setting) followDocker(ctx context.Context) *sightings {
	seen := newSightings()
	messages, _ := s.engine.Client().Events(ctx, events.ListOptions{})
	go readEvents(ctx, messages, seen)
	return seen
}

// followServer reads watches of all kinds until ctx ends. If decoded is not nil, it is called with the time that the decoding of
// each event took.
func (s *setting) followServer(ctx context.Context, c *cluster, decoded func(time.Duration)) *sightings {
	seen := newSightings()
	var read arrivals
	c = &cluster{config: rest.CopyConfig(c.config)}
	c.config.Wrap(read.of)
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
		go readWatch(watcher, func(name, what string) {
			now := time.Now()
			seen.addAt(name, what, now)
			if decoded != nil {
				decoded(now.Sub(read.last()))
			}
		})
	}
	return seen
}

// arrivals records when the body of an answer was last read.
type arrivals struct{ nanoseconds atomic.Int64 }

func (a *arrivals) last() time.Time { return time.Unix(0, a.nanoseconds.Load()) }

func (a *arrivals) of(transport http.RoundTripper) http.RoundTripper {
	return arrivingAnswers{transport, a}
}

type arrivingAnswers struct {
	http.RoundTripper
	noted *arrivals
}

func (t arrivingAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = arrivingBody{response.Body, t.noted}
	}
	return response, err
}

type arrivingBody struct {
	io.ReadCloser
	noted *arrivals
}

func (b arrivingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.noted.nanoseconds.Store(time.Now().UnixNano())
	return n, err
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

func (s *setting) changesNow() {
	s.changesSeen(standalone, s.changes, func(ctx context.Context) *sightings {
		return s.followServer(ctx, s.server.cluster, func(decoding time.Duration) {
			s.took("decoding of a change by its watcher", standalone, decoding)
		})
	})
}

func (s *setting) changesBehind() {
	s.changesSeen(aggregated, s.changes, func(ctx context.Context) *sightings { return s.followServer(ctx, s.behind.cluster, nil) })
}

// changesSeen measures the time from the return of a call until watchers see the change. The engine keeps its present content.
func (s *setting) changesSeen(by side, rounds int, follow func(context.Context) *sightings) {
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	seenByDocker, seen := s.followDocker(ctx), follow(ctx)
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
			atDocker, at := seenByDocker.await(s, what, name), seen.await(s, what, name)
			if by == standalone { // measure docker once, together with this side
				s.took(figure, docker, atDocker.Sub(returned))
			}
			s.took(figure, by, at.Sub(returned))
		}
	}
	for range rounds {
		s.change(measure)
	}
}

func (s *setting) change(measure func(name string, call func() error, whats ...string)) {
	ctx, client := s.Context(), s.engine.Client()
	box, data, ref := engine.UniqueName("change"), engine.UniqueName("change"), engine.UniqueName("change")+":v1"
	measure(box, func() error { return s.createContainer(box) }, "create")
	measure(box, func() error { return client.ContainerStart(ctx, box, container.StartOptions{}) }, "start")
	// From die to stop Docker holds the container's lock, and no client can inspect the container. So stop is measured, not die.
	measure(box, func() error { return client.ContainerStop(ctx, box, container.StopOptions{Timeout: new(0)}) }, "stop")
	measure(box, func() error { return client.ContainerRemove(ctx, box, container.RemoveOptions{}) }, "destroy")
	measure(ref, func() error { return client.ImageTag(ctx, engine.Busybox, ref) }, "tag")
	if _, err := client.ImageRemove(ctx, ref, image.RemoveOptions{}); err != nil { // not measured, because its event does not name the tag
		s.Fatal(err)
	}
	measure(data, func() error {
		_, err := client.VolumeCreate(ctx, volume.CreateOptions{Name: data})
		return err
	}, "volume create")
	measure(data, func() error { return client.VolumeRemove(ctx, data, false) }, "volume destroy")
}

// eventsPerLife counts the events that a watcher sees of a container from its creation to its removal.
func (s *setting) eventsPerLife() {
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	seenByDocker, seen := s.followDocker(ctx), s.followServer(ctx, s.server.cluster, nil)
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
		seen.await(s, "destroy", name)
		s.add("events per container life", plain, standalone, float64(seen.count(name)))
		s.add("events per container life", plain, docker, float64(seenByDocker.count(name)))
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

func readWatch(watcher watch.Interface, saw func(name, what string)) {
	for event := range watcher.ResultChan() {
		switch object := event.Object.(type) {
		case *v1alpha1.Container:
			saw(object.Name, containerEvent(event.Type, object))
		case *v1alpha1.Image:
			saw(object.Status.RepoTag, "tag")
		case *v1alpha1.Volume:
			if event.Type == watch.Added {
				saw(object.Name, "volume create")
			} else {
				saw(object.Name, "volume destroy")
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
