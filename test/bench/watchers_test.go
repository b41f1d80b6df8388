// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// follow reads the events of a watch from a version.
func (c *cluster) follow(ctx context.Context, tb testing.TB, resource, version string, each func(line []byte, at time.Time)) <-chan struct{} {
	tb.Helper()
	return c.followAt(ctx, tb, c.path(resource)+"?watch=true&timeoutSeconds=3600&resourceVersion="+version, each)
}

// followAt reads lines of JSON until ctx ends. It returns when the answer has started. The channel is closed when reading has
// ended.
func (e endpoint) followAt(ctx context.Context, tb testing.TB, path string, each func(line []byte, at time.Time)) <-chan struct{} {
	tb.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.base+path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	request.Header.Set("Accept", "application/json")
	response, err := e.client.Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		tb.Fatalf("watching %s: %s", path, response.Status)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer response.Body.Close()
		for reader := bufio.NewReaderSize(response.Body, 8<<10); ; {
			line, err := reader.ReadSlice('\n')
			if err != nil && err != bufio.ErrBufferFull {
				return
			}
			each(line, time.Now())
		}
	}()
	return ended
}

// version returns the current resourceVersion of a resource.
func (c *cluster) version(tb testing.TB, resource string) string {
	tb.Helper()
	content, err := c.do(tb.Context(), http.MethodGet, c.path(resource)+"?limit=1", nil)
	if err != nil {
		tb.Fatal(err)
	}
	var list struct {
		Metadata struct{ ResourceVersion string }
	}
	if err := json.Unmarshal(content, &list); err != nil {
		tb.Fatal(err)
	}
	return list.Metadata.ResourceVersion
}

// watchersUnderLoad creates and removes volumes at a fixed rate while many watchers read, first on our side, then on the stored
// side.
func (s *setting) watchersUnderLoad() {
	s.load(standalone, s.server.cluster, func(name string) error { return s.createVolume(name) },
		func(name string) error { return s.engine.Client().VolumeRemove(s.Context(), name, false) })
	writer := s.stored.endpoint
	writer.client = s.stored.newClient(s) // does not share connections with the watchers
	s.load(stored, s.stored, func(name string) error {
		body := fmt.Appendf(nil, `{"apiVersion":"%s/v1alpha1","kind":"Volume","metadata":{"name":%q},"status":{"name":%q,"driver":"local","namespace":"moby","scope":"local","createdAt":"2026-01-01T00:00:00Z","mountpoint":"/var/lib/docker/volumes/%s/_data"}}`,
			storedGroup, name, name, name)
		_, err := writer.do(s.Context(), http.MethodPost, s.stored.path("volumes"), body)
		return err
	}, func(name string) error {
		_, err := writer.do(s.Context(), http.MethodDelete, s.stored.path("volumes", name), nil)
		return err
	})
}

// delivery holds the delays with which one watcher saw the changes.
type delivery struct{ took []time.Duration }

var loadMark = []byte(`"name":"load-`)

func (s *setting) load(of side, c *cluster, create, remove func(name string) error) {
	changes := int(s.watching.Seconds() * float64(s.perSecond))
	begun := make([]atomic.Int64, changes) // start of each change's call, because an event can come before the call returns
	deliveries := make([]delivery, s.watchers)
	ends := make([]<-chan struct{}, s.watchers)
	var delivered atomic.Int64
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	version := c.version(s, "volumes")
	for i := range deliveries {
		ends[i] = c.follow(ctx, s, "volumes", version, func(line []byte, at time.Time) {
			_, rest, found := bytes.Cut(line, loadMark)
			if !found {
				return
			}
			number, _, _ := bytes.Cut(rest, []byte(`"`))
			n, err := strconv.Atoi(string(number))
			if err != nil {
				return
			}
			n *= 2
			if bytes.HasPrefix(line, []byte(`{"type":"DELETED"`)) {
				n++
			}
			deliveries[i].took = append(deliveries[i].took, at.Sub(time.Unix(0, begun[n].Load())))
			delivered.Add(1)
		})
	}
	before, start := c.cpu(s), time.Now()
	life := s.perSecond / 2 // keep each volume for a second, because the server may never see a volume that is removed at once
	made := 0
	change := func(created, removed int) {
		time.Sleep(time.Until(start.Add(time.Duration(made) * time.Second / time.Duration(s.perSecond))))
		call, number, n := create, created, 2*created
		if removed >= 0 {
			call, number, n = remove, removed, 2*removed+1
		}
		begun[n].Store(time.Now().UnixNano())
		if err := call(fmt.Sprintf("load-%d", number)); err != nil {
			s.Fatal(err)
		}
		made++
	}
	created := 0
	for ; created < changes/2 && time.Since(start) < s.watching; created++ {
		change(created, -1)
		if created >= life {
			change(0, created-life)
		}
	}
	for removed := max(0, created-life); removed < created; removed++ {
		change(0, removed)
	}
	took := time.Since(start)
	all := int64(made * s.watchers)
	for last, progress := int64(-1), time.Now(); delivered.Load() < all && time.Since(progress) < 10*time.Second; time.Sleep(10 * time.Millisecond) {
		if now := delivered.Load(); now > last {
			last, progress = now, time.Now()
		}
	}
	used := c.cpu(s) - before
	cancel()
	for _, ended := range ends {
		<-ended
	}
	s.Logf("%s: %d changes in %s, %d deliveries", of, made, took.Round(time.Millisecond), delivered.Load())
	s.add(fmt.Sprintf("rate that reached %d watchers, of %d", s.watchers, s.perSecond), perSecond, of, float64(made)/took.Seconds())
	samples := make([]float64, 0, all)
	for i := range deliveries {
		for _, took := range deliveries[i].took {
			samples = append(samples, took.Seconds()*1000)
		}
	}
	what := fmt.Sprintf("%d watchers, %d changes a second for %s", s.watchers, s.perSecond, s.watching)
	s.add("delivery to "+what, milliseconds, of, samples...)
	s.add("lost by "+what, plain, of, float64(all-delivered.Load()))
	s.add("CPU per event of "+what, microseconds, of, used.Seconds()*1e6/float64(max(1, delivered.Load())))
}
