// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/volume"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

const (
	changeRounds = 100
	// changeTime ends the rounds early on an engine that is slow.
	changeTime = time.Minute
)

// sightings are the times when changes were first seen, by what happened and to what name.
type sightings struct {
	mu   sync.Mutex
	at   map[[2]string]time.Time
	more chan struct{} // closed and replaced at each sighting
}

func newSightings() *sightings {
	return &sightings{at: map[[2]string]time.Time{}, more: make(chan struct{})}
}

func (s *sightings) add(name string, whats ...string) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, what := range whats {
		if _, seen := s.at[[2]string{what, name}]; !seen {
			s.at[[2]string{what, name}] = now
		}
	}
	close(s.more)
	s.more = make(chan struct{})
}

// await returns when that was seen.
func (s *sightings) await(b *testing.B, what, name string) time.Time {
	b.Helper()
	for deadline := time.After(30 * time.Second); ; {
		s.mu.Lock()
		at, seen := s.at[[2]string{what, name}]
		more := s.more
		s.mu.Unlock()
		if seen {
			return at
		}
		select {
		case <-more:
		case <-deadline:
			b.Fatalf("%s of %s was not seen", what, name)
		}
	}
}

// changes times how long after its call a change is seen, by a reader of Docker's events and by watchers of the server.
func (s setting) changes(b *testing.B, table *table) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	byDocker, byServer := newSightings(), newSightings()
	messages, _ := s.engine.Client().Events(ctx, events.ListOptions{})
	go readEvents(ctx, messages, byDocker)
	for _, start := range []func(context.Context, metav1.ListOptions) (watch.Interface, error){
		s.client.Containers(testserver.Namespace).Watch,
		s.client.Images(testserver.Namespace).Watch,
		s.client.Volumes(testserver.Namespace).Watch,
	} {
		watcher, err := start(ctx, metav1.ListOptions{})
		if err != nil {
			b.Fatal(err)
		}
		go readWatch(watcher, byServer)
	}
	measure := func(name string, call func() error, whats ...string) {
		b.Helper()
		if err := call(); err != nil {
			b.Fatal(err)
		}
		returned := time.Now()
		for _, what := range whats {
			table.add(what, byDocker.await(b, what, name).Sub(returned), byServer.await(b, what, name).Sub(returned))
		}
	}
	for b.Loop() {
		for begin, n := time.Now(), 0; n < changeRounds && time.Since(begin) < changeTime; n++ {
			s.round(b, measure)
		}
	}
	table.report(b)
}

func (s setting) round(b *testing.B, measure func(name string, call func() error, whats ...string)) {
	ctx, docker := b.Context(), s.engine.Client()
	box, data, ref := engine.UniqueName("change"), engine.UniqueName("change"), engine.UniqueName("change")+":v1"
	measure(box, func() error {
		config := &container.Config{Image: engine.Busybox, Cmd: engine.Stubborn}
		_, err := docker.ContainerCreate(ctx, config, &container.HostConfig{NetworkMode: "none"}, nil, nil, box)
		return err
	}, "create")
	measure(box, func() error { return docker.ContainerStart(ctx, box, container.StartOptions{}) }, "start")
	// From die to stop Docker holds the container's lock and shows it to nobody.
	measure(box, func() error { return docker.ContainerStop(ctx, box, container.StopOptions{Timeout: new(0)}) }, "die", "stop")
	measure(box, func() error { return docker.ContainerRemove(ctx, box, container.RemoveOptions{}) }, "destroy")
	measure(ref, func() error { return docker.ImageTag(ctx, engine.Busybox, ref) }, "tag")
	if _, err := docker.ImageRemove(ctx, ref, image.RemoveOptions{}); err != nil { // its event does not name the tag
		b.Fatal(err)
	}
	measure(data, func() error {
		_, err := docker.VolumeCreate(ctx, volume.CreateOptions{Name: data})
		return err
	}, "volume create")
	measure(data, func() error { return docker.VolumeRemove(ctx, data, false) }, "volume destroy")
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
			switch {
			case event.Type == watch.Added:
				seen.add(object.Name, "create")
			case event.Type == watch.Deleted:
				seen.add(object.Name, "destroy")
			case object.Status.Status == v1alpha1.ContainerDockerStatusRunning:
				seen.add(object.Name, "start")
			case object.Status.Status == v1alpha1.ContainerDockerStatusExited:
				seen.add(object.Name, "die", "stop")
			}
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
