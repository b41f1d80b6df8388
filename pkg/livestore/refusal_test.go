// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
)

func TestASubjectThatIsRefusedDoesNotKeepAResyncFromTheOthers(t *testing.T) {
	for _, available := range []bool{true, false} {
		t.Run(fmt.Sprint("available: ", available), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, source := newMemoryStore(t)
				if !available {
					store.SetUnavailable(newUnavailable(store.Resource, "gone"))
				}
				for _, name := range []string{"a", "b", "c"} {
					source.set("ns/"+name, newPod(name, "1"))
				}
				refused := apierrors.NewForbidden(store.Resource, "b", errors.New("no"))
				source.observe = func(_ context.Context, subject string) (map[string]runtime.Object, []string, error) {
					if subject == "ns/b" {
						return nil, nil, refused
					}
					return source.observed(subject), nil, nil
				}
				if err := store.Resync(t.Context()); err != nil {
					t.Errorf("it ended with %v", err)
				}
				if list, err := listPods(t.Context(), store, atVersion("0")); err != nil || shown(list) != "a=1 c=1" {
					t.Errorf("the store shows %q, %v", shown(list), err)
				}
			})
		})
	}
}

func TestAFirstReadingWhoseSubjectsAreAllSaidToBeGoneFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newMemoryStore(t)
		gone := newUnavailable(store.Resource, "gone")
		store.SetUnavailable(gone)
		source.list = func(context.Context) ([]string, error) { return []string{"ns/a", "ns/b"}, nil }
		if err := store.Resync(t.Context()); err == nil || !errors.Is(store.ReadinessCheck(), gone) {
			t.Errorf("it ended with %v, and the store is: %v", err, store.ReadinessCheck())
		}
		source.set("ns/b", newPod("b", "1"))
		if err := store.Resync(t.Context()); err != nil {
			t.Errorf("one of two was gone, and it ended with %v", err)
		}
		if list, err := listPods(t.Context(), store, atVersion("0")); err != nil || shown(list) != "b=1" {
			t.Errorf("the store shows %q, %v", shown(list), err)
		}
	})
}
