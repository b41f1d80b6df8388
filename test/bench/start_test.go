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
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/volume"
)

// settling is how long the server may collect garbage before its memory is read.
const settling = 5 * time.Second

// start stops the running server, if any, and measures the start of a new one.
func (s *setting) start(what string) {
	if s.server != nil {
		s.server.stop(s)
	}
	begun := time.Now()
	s.server = launch(s, s.program, s.engine.Host(), s.stateDir, s.port)
	s.server.connect(s, s.stateDir)
	s.server.discovered(s)
	s.took("start to discovery, "+what, standalone, time.Since(begun))
	s.server.synced(s)
	s.took("start to synced, "+what, standalone, time.Since(begun))
}

// startEmpty measures the start of a server for an empty engine. The server keeps running.
func (s *setting) startEmpty() {
	first := launch(s, s.program, s.engine.Host(), s.stateDir, s.port) // makes the certificates
	first.connect(s, s.stateDir)
	first.discovered(s)
	first.stop(s)
	s.start("empty engine")
	pause(s.sizes, settling)
	s.add("memory with nothing", megabytes, standalone, s.server.memory(s, "VmRSS:")/1e6)
	s.add("memory of its own with nothing", megabytes, standalone, s.server.memory(s, "RssAnon:")/1e6)
}

// startFull measures the start of a server for the full engine, next to the Docker calls that any such start needs. The last
// server keeps running.
func (s *setting) startFull() {
	for range s.starts {
		begun := time.Now()
		s.callsOfASync()
		s.took("start to synced, full engine", docker, time.Since(begun))
		s.start("full engine")
	}
}

// launch starts the server and waits until all resources can be read.
func (s *setting) launch() {
	s.server = launch(s, s.program, s.engine.Host(), s.stateDir, s.port)
	s.server.connect(s, s.stateDir)
	s.server.discovered(s)
	s.server.synced(s)
}

// memoryOfContainers compares the memory of a newly started server with that of a server for an empty engine.
func (s *setting) memoryOfContainers() {
	s.server.stop(s)
	s.launch()
	pause(s.sizes, settling)
	for _, part := range []struct{ name, field string }{{"memory", "VmRSS:"}, {"memory of its own", "RssAnon:"}} {
		more := s.server.memory(s, part.field) - s.of(part.name+" with nothing").median(standalone)*1e6
		s.add(fmt.Sprintf("%s for each container with %d labels", part.name, s.labels), kilobytes, standalone, more/1024/float64(s.containers))
	}
}

// callsOfASync makes the Docker calls that a complete view needs: list and inspect everything, width inspections of each kind at
// once.
func (s *setting) callsOfASync() {
	client, ctx := s.engine.Client(), s.Context()
	var group sync.WaitGroup
	var problems [3]error
	inspectAll := func(problem *error, list func(context.Context) ([]string, error), inspect func(context.Context, string) error) {
		group.Go(func() {
			found, err := list(ctx)
			*problem = err
			eachOf(s, len(found), func(i int) error { return inspect(ctx, found[i]) })
		})
	}
	inspectAll(&problems[0], func(ctx context.Context) (ids []string, err error) {
		list, err := client.ContainerList(ctx, container.ListOptions{All: true})
		for _, item := range list {
			ids = append(ids, item.ID)
		}
		return ids, err
	}, func(ctx context.Context, id string) error {
		_, err := client.ContainerInspect(ctx, id)
		return err
	})
	inspectAll(&problems[1], func(ctx context.Context) (ids []string, err error) {
		list, err := client.ImageList(ctx, image.ListOptions{})
		for _, item := range list {
			ids = append(ids, item.ID)
		}
		return ids, err
	}, func(ctx context.Context, id string) error {
		_, err := client.ImageInspect(ctx, id)
		return err
	})
	inspectAll(&problems[2], func(ctx context.Context) (names []string, err error) {
		list, err := client.VolumeList(ctx, volume.ListOptions{})
		for _, item := range list.Volumes {
			names = append(names, item.Name)
		}
		return names, err
	}, func(ctx context.Context, name string) error {
		_, err := client.VolumeInspect(ctx, name)
		return err
	})
	group.Wait()
	if err := errors.Join(problems[:]...); err != nil {
		s.Fatal(err)
	}
}

// idleCPU measures the processor time of the server while nothing changes and 10 watches are open.
func (s *setting) idleCPU() {
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	for range 10 {
		s.server.follow(ctx, s, "containers", "", func([]byte, time.Time) {})
	}
	pause(s.sizes, settling)
	before, begun := s.server.cpu(s), time.Now()
	time.Sleep(s.idle)
	used := s.server.cpu(s) - before
	s.add("idle CPU with 10 watchers, full engine", percent, standalone, 100*used.Seconds()/time.Since(begun).Seconds())
}

// pause waits, except with -short, where the figures do not matter.
func pause(of sizes, duration time.Duration) {
	if of.containers == full.containers {
		time.Sleep(duration)
	}
}
