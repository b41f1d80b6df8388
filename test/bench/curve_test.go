// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/storage"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/livestore"
)

// synthetic is a livestore.Source of made-up containers, without an engine.
type synthetic struct {
	mu      sync.Mutex
	objects map[string]*v1alpha1.Container // by ID
}

var errReadOnly = errors.New("this source is read-only")

// Subjects implements livestore.Source.
func (s *synthetic) Subjects(context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for id := range s.objects {
		ids = append(ids, id)
	}
	return ids, nil
}

// Observe implements livestore.Source.
func (s *synthetic) Observe(_ context.Context, id string) (map[string]runtime.Object, []string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	object := s.objects[id]
	if object == nil {
		return nil, nil, nil
	}
	return map[string]runtime.Object{namespace + "/" + object.Name: object.DeepCopy()}, nil, nil
}

// Lookup implements livestore.Source.
func (s *synthetic) Lookup(context.Context, string) (string, error) { return "", nil }

// Fence implements livestore.Source.
func (s *synthetic) Fence(context.Context) error { return nil }

// Create implements livestore.Source.
func (s *synthetic) Create(context.Context, string, runtime.Object) (string, error) {
	return "", errReadOnly
}

// Update implements livestore.Source.
func (s *synthetic) Update(context.Context, string, runtime.Object, runtime.Object) error {
	return errReadOnly
}

// Delete implements livestore.Source.
func (s *synthetic) Delete(context.Context, string, runtime.Object) error { return errReadOnly }

func syntheticID(i int) string { return fmt.Sprintf("%064x", i) }

// newSynthetic returns a source of n containers and a store that holds them.
func (s *setting) newSynthetic(n int) (*synthetic, *livestore.Store) {
	source := &synthetic{objects: map[string]*v1alpha1.Container{}}
	for i := range n {
		id := syntheticID(i)
		source.objects[id] = &v1alpha1.Container{
			ObjectMeta: metav1.ObjectMeta{
				Name: fmt.Sprintf("synthetic-%06d", i), Namespace: namespace, UID: types.UID(id), Labels: map[string]string{"number": fmt.Sprint(i)},
			},
			Spec:   v1alpha1.ContainerSpec{State: v1alpha1.ContainerStateCreated},
			Status: v1alpha1.ContainerStatus{ID: id, Image: "busybox", Namespace: v1alpha1.EngineNamespace},
		}
	}
	store := livestore.New(livestore.Config{
		Versions: livestore.NewVersions(1),
		Resource: v1alpha1.Resource("containers"),
		Prefix:   "/containers/",
		NewFunc:  func() runtime.Object { return &v1alpha1.Container{} },
		Source:   source,
		Aliases:  containers.IDs,
	})
	if err := store.Resync(s.Context()); err != nil {
		s.Fatal(err)
	}
	return source, store
}

// curve measures the cost of store operations for growing numbers of objects.
func (s *setting) curve() {
	const rounds = 11
	everything := storage.ListOptions{Predicate: storage.Everything, Recursive: true, ResourceVersion: "0"}
	for _, n := range s.sizes.curve {
		source, store := s.newSynthetic(n)
		for range rounds {
			begun := time.Now()
			list := livestore.NewList(func() runtime.Object { return &v1alpha1.ContainerList{} })
			if err := store.GetList(s.Context(), "/containers/", everything, list); err != nil || len(list.Items) != n {
				s.Fatal(len(list.Items), err)
			}
			s.took(fmt.Sprintf("list of the store, %d objects", n), standalone, time.Since(begun))

			begun = time.Now()
			watcher, err := store.Watch(s.Context(), "/containers/", everything)
			if err != nil {
				s.Fatal(err)
			}
			for range n {
				<-watcher.ResultChan()
			}
			s.took(fmt.Sprintf("watch start of the store, %d objects", n), standalone, time.Since(begun))

			id := syntheticID(n / 2)
			source.mu.Lock()
			source.objects[id].Status.RestartCount++
			source.mu.Unlock()
			begun = time.Now()
			store.MarkDirty(id)
			<-watcher.ResultChan()
			s.took(fmt.Sprintf("change in the store, %d objects", n), standalone, time.Since(begun))
			watcher.Stop()
		}
		store.Stop()
	}
	for _, what := range []string{"list of", "watch start of", "change in"} {
		s.add("growth of "+what+" the store, of n log n", plain, standalone, s.growth(what))
	}
}

// growth returns how much the cost grows from a smaller store (a hundredth of the size, a tenth with -short) to the largest one,
// divided by the growth of n log n.
func (s *setting) growth(what string) float64 {
	largest := slices.Max(s.sizes.curve)
	smaller := s.sizes.curve[max(0, len(s.sizes.curve)-3)]
	cost := func(n int) float64 {
		return s.of(fmt.Sprintf("%s the store, %d objects", what, n)).median(standalone)
	}
	nLogN := func(n int) float64 { return float64(n) * math.Log2(float64(n)) }
	return cost(largest) / cost(smaller) * nLogN(smaller) / nLogN(largest)
}
