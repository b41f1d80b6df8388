// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containermetrics

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
)

// counting counts what a storage asks of the sampler, and what a reader asks of the storage.
type counting struct {
	storage.Interface
	asked, settled    int
	held, read        int
	notReady, refuses error
	watcher           *watch.FakeWatcher
}

func (c *counting) Ready(context.Context) error { c.asked++; return c.notReady }

func (c *counting) Hold() func() { c.held++; return func() { c.held-- } }

func (c *counting) Get(context.Context, string, storage.GetOptions, runtime.Object) error {
	c.read++
	return c.refuses
}

func (c *counting) GetList(context.Context, string, storage.ListOptions, runtime.Object) error {
	c.read++
	return c.refuses
}

func (c *counting) GetCurrentResourceVersion(context.Context) (uint64, error) {
	c.settled++
	return 1, nil
}

func (c *counting) Watch(context.Context, string, storage.ListOptions) (watch.Interface, error) {
	c.read++
	return c.watcher, c.refuses
}

// reads are the ways to read the objects of a storage.
var reads = map[string]func(context.Context, storage.Interface) error{
	"get": func(ctx context.Context, s storage.Interface) error {
		return s.Get(ctx, "", storage.GetOptions{ResourceVersion: "0"}, nil)
	},
	"list": func(ctx context.Context, s storage.Interface) error {
		return s.GetList(ctx, "", storage.ListOptions{ResourceVersion: "0"}, nil)
	},
	"watch": func(ctx context.Context, s storage.Interface) error {
		watcher, err := s.Watch(ctx, "", storage.ListOptions{ResourceVersion: "1"})
		if err == nil {
			watcher.Stop()
		}
		return err
	},
}

func TestEveryReadWaitsForSamples(t *testing.T) {
	for verb, read := range reads {
		c := &counting{watcher: watch.NewFake()}
		if err := read(t.Context(), Sampled(c, c)); err != nil || c.asked != 1 || c.settled != 1 || c.read != 1 || c.held != 0 {
			t.Errorf("%s: %v, %+v", verb, err, c)
		}
		c = &counting{notReady: errors.New("not ready")}
		if err := read(t.Context(), Sampled(c, c)); err != c.notReady || c.read != 0 || c.held != 0 {
			t.Errorf("%s without samples: %v, %+v", verb, err, c)
		}
		c = &counting{refuses: errors.New("refused")}
		if err := read(t.Context(), Sampled(c, c)); err != c.refuses || c.held != 0 {
			t.Errorf("%s that is refused: %v, %+v", verb, err, c)
		}
	}
}

func TestTheSamplesGoOnUntilAWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counting{watcher: watch.NewFake()}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if _, err := Sampled(c, c).Watch(ctx, "", storage.ListOptions{}); err != nil || c.held != 1 {
			t.Fatalf("%v, %+v", err, c)
		}
		cancel()
		synctest.Wait()
		if c.held != 0 {
			t.Error("the samples go on after the end of the request")
		}
	})
}
