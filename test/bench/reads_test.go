// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

func (s *setting) liveGets() {
	ctx, container := s.Context(), filled(0)
	relay, stop := s.startRelay()
	defer stop()
	version := strings.TrimPrefix(s.docker.base, "http://docker")
	from := func(figure string, of side, c *cluster, path string) func() error {
		return s.timed(figure, of, func() error { return c.get(ctx, path) })
	}
	const memory, fromMemory = "get from memory of a container", "?resourceVersion=0"
	first := []func() error{
		from(memory, standalone, s.server.cluster, s.server.path("containers", container)+fromMemory),
		from(memory, aggregated, s.behind.cluster, s.behind.path("containers", container)+fromMemory),
		from(memory, stored, s.stored, s.stored.path("containers", storedName(container))+fromMemory),
	}
	for _, get := range []struct{ figure, resource, name, docker string }{
		{"live get of a container", "containers", container, "/containers/" + container + "/json"},
		{"live get of an image", "images", strings.ReplaceAll(filledImage(0), "/", "~"), "/images/" + filledImage(0) + "/json"},
		{"live get of a volume", "volumes", filled(0), "/volumes/" + filled(0)},
	} {
		calls := append(first,
			s.timed(get.figure, docker, func() error { return s.docker.get(ctx, get.docker) }),
			from(get.figure, relayed, relay, version+get.docker),
			from(get.figure, standalone, s.server.cluster, s.server.path(get.resource, get.name)),
			from(get.figure, aggregated, s.behind.cluster, s.behind.path(get.resource, get.name)),
			from(get.figure, stored, s.stored, s.stored.path(get.resource, storedName(get.name))),
		)
		for range s.gets {
			s.turns(calls...)
		}
		first = nil
	}
}

func (s *setting) liveLists() {
	ctx := s.Context()
	for _, list := range []struct {
		resource, docker string
		n                int
	}{
		{"containers", "/containers/json?all=1", s.containers},
		{"images", "/images/json", s.images},
		{"volumes", "/volumes", s.volumes},
	} {
		figure := fmt.Sprintf("live list of %d %s", list.n, list.resource)
		begun := time.Now()
		for i := 0; i < s.fewestLists || i < s.lists && time.Since(begun) < s.listing; i++ {
			s.turns(
				s.timed(figure, docker, func() error { return s.docker.get(ctx, list.docker) }),
				s.timed(figure, standalone, func() error { return s.server.get(ctx, s.server.path(list.resource)) }),
				s.timed(figure, aggregated, func() error { return s.behind.get(ctx, s.behind.path(list.resource)) }),
				s.timed(figure, stored, func() error { return s.stored.get(ctx, s.stored.path(list.resource)) }),
			)
		}
	}
}

// listFromMemory lets clients list as fast as they can. The sides take turns.
func (s *setting) listFromMemory() {
	const parts = 3
	figure := fmt.Sprintf("list from memory of %d containers, %d clients", s.some, width)
	for range parts {
		s.turns(
			func() error { return s.listWhile(figure, standalone, s.server.cluster, s.fromMemory/parts) },
			func() error { return s.listWhile(figure, aggregated, s.behind.cluster, s.fromMemory/parts) },
			func() error { return s.listWhile(figure, stored, s.stored, s.fromMemory/parts) },
		)
	}
}

func (s *setting) listWhile(figure string, of side, c *cluster, duration time.Duration) error {
	ctx, cancel := context.WithTimeout(s.Context(), duration)
	defer cancel()
	var group sync.WaitGroup
	var problems [width]error
	var answers [width]int
	begun := time.Now()
	for i := range width {
		group.Go(func() {
			for ctx.Err() == nil && problems[i] == nil {
				problems[i] = c.get(s.Context(), c.path("containers")+"?resourceVersion=0")
				answers[i]++
			}
		})
	}
	group.Wait()
	total := 0
	for i := range width {
		total += answers[i]
		if problems[i] != nil {
			return problems[i]
		}
	}
	s.add(figure, perSecond, of, float64(total)/time.Since(begun).Seconds())
	return nil
}
