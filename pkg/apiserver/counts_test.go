// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/livestore"
)

func newCountedStores(t *testing.T, source livestore.Source) *stores {
	t.Helper()
	s := newStores("engine")
	objects := func(object runtime.Object) map[string]runtime.Object {
		return map[string]runtime.Object{"engine/one": object}
	}
	one := metav1.ObjectMeta{Namespace: "engine", Name: "one"}
	var err error
	if s.live["containers"], err = s.addAvailable("containers", func() runtime.Object { return &v1alpha1.Container{} }, source); err != nil {
		t.Fatal(err)
	}
	if s.live["images"], err = s.addStatic("images", func() runtime.Object { return &v1alpha1.Image{} }, objects(&v1alpha1.Image{ObjectMeta: one})); err != nil {
		t.Fatal(err)
	}
	if s.live["networks"], err = s.addStatic("networks", func() runtime.Object { return &v1alpha1.Network{} }, objects(&v1alpha1.Network{ObjectMeta: one})); err != nil {
		t.Fatal(err)
	}
	if s.live["volumes"], err = s.addStatic("volumes", func() runtime.Object { return &v1alpha1.Volume{} }, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestObjectsAreCountedByKindAndState(t *testing.T) {
	source := newFakeContainers(running("a"), running("b"), exited("c"),
		newContainer("d", v1alpha1.ContainerStatePaused, v1alpha1.ContainerDockerStatusPaused))
	s := newCountedStores(t, source)
	defer s.stop()
	want := v1alpha1.EngineCounts{Containers: 4, ContainersRunning: 2, ContainersPaused: 1, Images: 1, Networks: 1}
	if got := s.count(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestABurstOfChangesIsCountedOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newFakeContainers(exited("first"))
		s := newCountedStores(t, source)
		defer s.stop()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var counts []int32
		go s.keepCounted(ctx, func() { counts = append(counts, s.count().Containers) })
		synctest.Wait()
		if len(counts) != 1 {
			t.Fatalf("counted %v before anything changed", counts)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(counts) != 1 {
			t.Fatalf("counted %v although nothing changed", counts)
		}

		const burst = 100
		for i := range burst {
			name := fmt.Sprintf("burst%d", i)
			source.put(exited(name))
			s.live["containers"].MarkDirty(name)
			time.Sleep(20 * time.Millisecond)
		}
		synctest.Wait()
		if len(counts) < 2 || counts[1] >= burst {
			t.Errorf("the first change was not counted at once: %v", counts)
		}
		time.Sleep(countPeriod)
		synctest.Wait()
		if len(counts) > 5 || counts[len(counts)-1] != burst+1 {
			t.Errorf("a burst of %d over two seconds was counted as %v", burst, counts)
		}
	})
}
