// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
)

// countObservations has the source count how often it is observed.
func (m *memorySource) countObservations() *int {
	count := new(int)
	m.observe = func(_ context.Context, subject string) (map[string]runtime.Object, []string, error) {
		*count++
		return m.observed(subject), nil, nil
	}
	return count
}

func TestADeleteActsOnWhatItsRequestHasJustReadHoweverLongThatTook(t *testing.T) {
	for _, takes := range []time.Duration{0, 2 * recentFor} {
		synctest.Test(t, func(t *testing.T) {
			store, source := newStoreOfA(t)
			count := 0
			source.observe = func(_ context.Context, subject string) (map[string]runtime.Object, []string, error) {
				time.Sleep(takes)
				count++
				return source.observed(subject), nil, nil
			}
			ctx := WithRecentReads(t.Context())
			if _, err := getPod(ctx, store, "a", ""); err != nil {
				t.Fatal(err)
			}
			if _, err := deleteA(ctx, store, nil, storage.ValidateAllObjectFunc); err != nil || count != 2 {
				t.Errorf("%v; observed %d times, not before and after", err, count)
			}
		})
	}
}

func TestADeleteLooksAgainWhereWhatItsRequestHasReadIsOld(t *testing.T) {
	for name, between := range map[string]func(*testing.T, *memorySource){
		"time": func(*testing.T, *memorySource) { time.Sleep(recentFor) },
		"change": func(_ *testing.T, source *memorySource) {
			source.put(newPod("a", "2"))
			synctest.Wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, source := newStoreOfA(t)
				ctx := WithRecentReads(t.Context())
				if _, err := getPod(ctx, store, "a", ""); err != nil {
					t.Fatal(err)
				}
				between(t, source)
				count := source.countObservations()
				if _, err := deleteA(ctx, store, nil, storage.ValidateAllObjectFunc); err != nil || *count != 2 {
					t.Errorf("%v; observed %d times, not before and after", err, *count)
				}
			})
		})
	}
}

func TestADeleteValidatesAgainWhatChangedDuringASlowValidation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newStoreOfA(t)
		var validated []string
		_, err := deleteA(t.Context(), store, nil, func(_ context.Context, object runtime.Object) error {
			validated = append(validated, object.(*example.Pod).Status.Message)
			if len(validated) == 1 {
				time.Sleep(recentFor)
				source.set("ns/a", newPod("a", "2")) // of which nothing tells
			}
			return nil
		})
		if err != nil || len(validated) != 2 || validated[1] != "2" {
			t.Errorf("%v; validated %q", err, validated)
		}
	})
}

func TestASlowValidationOfWhatStaysIsMadeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, _ := newStoreOfA(t)
		validations := 0
		_, err := deleteA(t.Context(), store, nil, func(context.Context, runtime.Object) error {
			validations++
			time.Sleep(recentFor)
			return nil
		})
		if err != nil || validations != 1 {
			t.Errorf("%v; validated %d times", err, validations)
		}
	})
}
