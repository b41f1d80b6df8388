// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"fmt"
	"testing"

	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
)

var benchmarkSizes = []int{100, 1000, 10000}

func newFullStore(b *testing.B, size int) (*Store, *memorySource) {
	store, source := newMemoryStore(b)
	for i := range size {
		source.put(newPod(fmt.Sprintf("p%05d", i), "0"))
	}
	if _, err := listPods(b.Context(), store); err != nil {
		b.Fatal(err)
	}
	return store, source
}

func BenchmarkList(b *testing.B) {
	for _, size := range benchmarkSizes {
		b.Run(fmt.Sprint(size, " objects"), func(b *testing.B) {
			store, _ := newFullStore(b, size)
			b.ReportAllocs()
			for b.Loop() {
				if list, err := listPods(b.Context(), store); err != nil || len(list.Items) != size {
					b.Fatal(len(list.Items), err)
				}
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	for _, size := range benchmarkSizes {
		b.Run(fmt.Sprint(size, " objects"), func(b *testing.B) {
			store, _ := newFullStore(b, size)
			b.ReportAllocs()
			for b.Loop() {
				if err := store.Get(b.Context(), "/pods/ns/p00050", storage.GetOptions{}, &example.Pod{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkWatchFanOut measures the time from a change in the source until 50 watchers have received it.
func BenchmarkWatchFanOut(b *testing.B) {
	for _, size := range benchmarkSizes {
		b.Run(fmt.Sprint(size, " objects"), func(b *testing.B) {
			store, source := newFullStore(b, size)
			received := make(chan struct{})
			for range 50 {
				opts := storage.ListOptions{Predicate: storage.Everything, Recursive: true, ResourceVersion: current(store)}
				w, err := store.Watch(b.Context(), "/pods/", opts)
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(w.Stop)
				go func() {
					for range w.ResultChan() {
						received <- struct{}{}
					}
				}()
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				source.put(newPod("p00050", fmt.Sprint(n)))
				for range 50 {
					<-received
				}
			}
		})
	}
}
