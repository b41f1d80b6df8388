// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// countPeriod is the least time between two counts: a change of many objects is not one of the engine for each.
const countPeriod = time.Second

// count counts the objects that the stores hold.
func (s *stores) count() v1alpha1.EngineCounts {
	var counts v1alpha1.EngineCounts
	s.containers.Each(func(object runtime.Object) {
		counts.Containers++
		switch object.(*v1alpha1.Container).Spec.State {
		case v1alpha1.ContainerStateRunning:
			counts.ContainersRunning++
		case v1alpha1.ContainerStatePaused:
			counts.ContainersPaused++
		}
	})
	s.images.Each(func(runtime.Object) { counts.Images++ })
	s.volumes.Each(func(runtime.Object) { counts.Volumes++ })
	return counts
}

// keepCounted calls recount after changes of the stores, until ctx ends.
func (s *stores) keepCounted(ctx context.Context, recount func()) {
	period := time.NewTicker(countPeriod)
	defer period.Stop()
	for {
		containers, images, volumes := s.containers.Changed(), s.images.Changed(), s.volumes.Changed()
		recount()
		period.Reset(countPeriod)
		select {
		case <-containers:
		case <-images:
		case <-volumes:
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
