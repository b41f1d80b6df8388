// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"slices"
	"testing"
	"testing/synctest"

	"k8s.io/apimachinery/pkg/runtime"
)

func TestWhatIsHeldCanBeFollowedWhetherTheStoreIsAvailableOrNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		held := func() []string {
			names := []string{}
			store.Each(func(object runtime.Object) { names = append(names, accessor(object).GetName()) })
			return names
		}
		changed := func(change func()) bool {
			next := store.Changed()
			change()
			synctest.Wait()
			select {
			case <-next:
				return true
			default:
				return false
			}
		}
		for _, step := range []struct {
			change  func()
			changed bool
			held    []string
		}{
			{func() { source.put(newPod("a", "1"), newPod("b", "1")) }, true, []string{"a", "b"}},
			{func() { source.put(newPod("a", "1")) }, false, []string{"a", "b"}},
			{func() { source.put(newPod("a", "2")) }, true, []string{"a", "b"}},
			{func() { store.SetUnavailable(newUnavailable(store.Resource, "gone")) }, false, []string{"a", "b"}},
			{func() { source.drop("a") }, true, []string{"b"}},
		} {
			if got := changed(step.change); got != step.changed || !slices.Equal(held(), step.held) {
				t.Errorf("changed: %t, want %t; held: %v, want %v", got, step.changed, held(), step.held)
			}
		}
	})
}
