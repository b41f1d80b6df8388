// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containermetrics

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
)

// Sampler takes the samples that the objects show.
type Sampler interface {
	// Ready returns when there are samples of the containers that run. The samples go on for a while.
	Ready(context.Context) error
	// Hold has the samples go on until release is called.
	Hold() (release func())
}

// sampled is a storage whose objects are sampled before each read, and during each watch.
type sampled struct {
	storage.Interface
	sampler Sampler
}

// Sampled returns a storage that has the sampler work while somebody reads the objects. A read that may be answered from memory
// waits for samples as well, and until they show: nobody keeps old ones up to date.
func Sampled(objects storage.Interface, sampler Sampler) storage.Interface {
	return sampled{objects, sampler}
}

// Get implements storage.Interface.
func (s sampled) Get(ctx context.Context, key string, opts storage.GetOptions, out runtime.Object) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	return s.Interface.Get(ctx, key, opts, out)
}

// GetList implements storage.Interface.
func (s sampled) GetList(ctx context.Context, key string, opts storage.ListOptions, list runtime.Object) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	return s.Interface.GetList(ctx, key, opts, list)
}

// ready returns when the objects show the samples. The storage shows them a moment after the sampler has taken them.
func (s sampled) ready(ctx context.Context) error {
	if err := s.sampler.Ready(ctx); err != nil {
		return err
	}
	_, err := s.Interface.GetCurrentResourceVersion(ctx)
	return err
}

// Watch implements storage.Interface. The samples go on until the watch is stopped or its context ends.
func (s sampled) Watch(ctx context.Context, key string, opts storage.ListOptions) (watch.Interface, error) {
	release := s.sampler.Hold()
	if err := s.ready(ctx); err != nil {
		release()
		return nil, err
	}
	watcher, err := s.Interface.Watch(ctx, key, opts)
	if err != nil {
		release()
		return nil, err
	}
	context.AfterFunc(ctx, release)
	return holding{watcher, release}, nil
}

// holding is a watch that releases something when it is stopped.
type holding struct {
	watch.Interface
	release func()
}

// Stop implements watch.Interface.
func (h holding) Stop() {
	h.Interface.Stop()
	h.release()
}
