// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/docker/docker/api/types/container"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// burst makes n calls. It measures the time from the return of the last call until the event what was seen for each name.
func (s *setting) burst(figure string, seenByDocker, seen *sightings, n int, call func(i int) error, name func(i int) string, what string) {
	eachOf(s, n, call)
	returned := time.Now()
	for i := range n {
		seenByDocker.await(s, what, name(i))
	}
	byDocker := time.Now()
	for i := range n {
		seen.await(s, what, name(i))
	}
	by := time.Now()
	latest := func(seen *sightings) (at time.Time) {
		for i := range n {
			if t := seen.await(s, what, name(i)); t.After(at) {
				at = t
			}
		}
		return at
	}
	if latest(seenByDocker).After(byDocker) || latest(seen).After(by) {
		s.Fatal("the sightings are later than the end of the wait for them")
	}
	s.took(figure, docker, latest(seenByDocker).Sub(returned))
	s.took(figure, standalone, latest(seen).Sub(returned))
}

func (s *setting) burstOfCreates() {
	const times = 3
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	seenByDocker, seen := s.followDocker(ctx), s.followServer(ctx, s.server.cluster, nil)
	figure := fmt.Sprintf("burst of creates, %d containers", s.created)
	for range times {
		prefix := engine.UniqueName("burst")
		name := func(i int) string { return fmt.Sprintf("%s-%d", prefix, i) }
		s.burst(figure, seenByDocker, seen, s.created, func(i int) error { return s.createContainer(name(i)) }, name, "create")
		eachOf(s, s.created, func(i int) error { return s.removeContainer(name(i)) })
	}
}

func (s *setting) burstOfRemovals() {
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	seenByDocker, seen := s.followDocker(ctx), s.followServer(ctx, s.server.cluster, nil)
	s.burst(fmt.Sprintf("burst of removals, %d containers", s.removed), seenByDocker, seen, s.removed,
		func(i int) error { return s.removeContainer(filled(i)) }, filled, "destroy")
}

func (s *setting) removeContainer(name string) error {
	return s.engine.Client().ContainerRemove(s.Context(), name, container.RemoveOptions{})
}

// burstBesideReaders creates objects while clients list. It checks that live lists are complete after the last call, and
// measures the time until the watchers have seen every object.
func (s *setting) burstBesideReaders() {
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	seen := s.followServer(ctx, s.server.cluster, nil)
	stopReaders := s.readers(ctx)
	prefix := engine.UniqueName("beside")
	containers, volumes := s.besideContainers, s.besideVolumes
	name := func(i int) string { return fmt.Sprintf("%s-%d", prefix, i) }
	eachOf(s, containers+volumes, func(i int) error {
		if i < containers {
			return s.createContainer(name(i))
		}
		return s.createVolume(name(i))
	})
	returned := time.Now()
	await(s, func() error { return s.listsAreRight(containers, volumes) })
	for i := range containers + volumes {
		what := "create"
		if i >= containers {
			what = "volume create"
		}
		seen.await(s, what, name(i))
	}
	s.took(fmt.Sprintf("burst beside readers, %d containers and %d volumes", containers, volumes), standalone, time.Since(returned))
	stopReaders()
	eachOf(s, containers, func(i int) error { return s.removeContainer(name(i)) })
	eachOf(s, volumes, func(i int) error { return s.engine.Client().VolumeRemove(ctx, name(containers+i), false) })
}

// listsAreRight returns an error unless live lists show these numbers of containers and volumes. A list does not wait for a container
// whose inspection takes longer than a second.
func (s *setting) listsAreRight(containers, volumes int) error {
	client := s.server.typed(s)
	listed, err := client.Containers(namespace).List(s.Context(), metav1.ListOptions{})
	if err != nil {
		return err
	}
	stored, err := client.Volumes(namespace).List(s.Context(), metav1.ListOptions{})
	if err != nil {
		return err
	}
	if len(listed.Items) != containers || len(stored.Items) != volumes {
		return fmt.Errorf("live lists show %d containers and %d volumes, want %d and %d", len(listed.Items), len(stored.Items), containers, volumes)
	}
	return nil
}

// readers list containers and volumes as fast as they can until they are stopped.
func (s *setting) readers(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	for range width / 2 {
		group.Go(func() {
			for ctx.Err() == nil {
				err := errors.Join(s.server.get(ctx, s.server.path("containers")), s.server.get(ctx, s.server.path("volumes")))
				if err != nil && ctx.Err() == nil {
					s.Error(err)
					return
				}
			}
		})
	}
	return func() {
		cancel()
		group.Wait()
	}
}
