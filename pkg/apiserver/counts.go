// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/livestore"
)

// countPeriod is the least time between two counts, so that a change of many objects does not change the Engine once
// for each of them.
const countPeriod = time.Second

// count returns how many objects the stores hold.
func (s *stores) count() v1alpha1.EngineCounts {
	var counts v1alpha1.EngineCounts
	s.live["containers"].Each(func(object runtime.Object) {
		counts.Containers++
		switch object.(*v1alpha1.Container).Spec.State {
		case v1alpha1.ContainerStateRunning:
			counts.ContainersRunning++
		case v1alpha1.ContainerStatePaused:
			counts.ContainersPaused++
		}
	})
	s.live["images"].Each(func(runtime.Object) { counts.Images++ })
	s.live["volumes"].Each(func(runtime.Object) { counts.Volumes++ })
	s.live["networks"].Each(func(runtime.Object) { counts.Networks++ })
	return counts
}

// keepCounted calls recount at the start and after changes of the stores, at most once in countPeriod, until ctx ends.
func (s *stores) keepCounted(ctx context.Context, recount func()) {
	changed := make(chan struct{}, 1)
	var following sync.WaitGroup
	defer following.Wait()
	for _, store := range s.live {
		next := store.Changed()
		following.Go(func() { follow(ctx, store, next, changed) })
	}
	period := time.NewTicker(countPeriod)
	defer period.Stop()
	for {
		select {
		case <-changed: // the count that begins now includes this change
		default:
		}
		recount()
		period.Reset(countPeriod)
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
		select {
		case <-period.C:
		case <-ctx.Done():
			return
		}
	}
}

// follow sends to changed after each change of the store, until ctx ends. changed has room for one value, so follow
// never blocks. The first change closes next.
func follow(ctx context.Context, store *livestore.Store, next <-chan struct{}, changed chan<- struct{}) {
	for {
		select {
		case <-next:
		case <-ctx.Done():
			return
		}
		next = store.Changed()
		select {
		case changed <- struct{}{}:
		default:
		}
	}
}
