// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
)

// countObservations counts the observations of the source.
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
			ctx := WithDelete(t.Context(), nil)
			if _, err := getPod(ctx, store, "a", ""); err != nil {
				t.Fatal(err)
			}
			if _, err := deleteA(ctx, store, nil, storage.ValidateAllObjectFunc); err != nil || count != 2 {
				t.Errorf("%v; observed %d times, want 2: before and after the delete", err, count)
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
				ctx := WithDelete(t.Context(), nil)
				if _, err := getPod(ctx, store, "a", ""); err != nil {
					t.Fatal(err)
				}
				between(t, source)
				count := source.countObservations()
				if _, err := deleteA(ctx, store, nil, storage.ValidateAllObjectFunc); err != nil || *count != 2 {
					t.Errorf("%v; observed %d times, want 2: before and after the delete", err, *count)
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
				source.set("ns/a", newPod("a", "2")) // the source does not report it
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

// deleteLooks sets Config.DeleteLooks.
func deleteLooks(c *Config) { c.DeleteLooks = true }

func TestADeleteLeavesTheLookBeforeItToASourceThatLooks(t *testing.T) {
	store, source := newStoreOfA(t, deleteLooks)
	count := source.countObservations()
	ctx := WithDelete(t.Context(), nil)
	if _, err := getPod(ctx, store, "a", ""); err != nil || *count != 0 {
		t.Errorf("%v; observed %d times before the delete, want 0", err, *count)
	}
	if _, err := deleteA(ctx, store, nil, storage.ValidateAllObjectFunc); err != nil || *count != 1 {
		t.Errorf("%v; observed %d times, want 1: after the delete", err, *count)
	}
}

func TestADeleteThatAsksWhatIsThereReadsItLive(t *testing.T) {
	uid := types.UID("uid of a")
	for name, options := range map[string]*metav1.DeleteOptions{
		"precondition": {Preconditions: &metav1.Preconditions{UID: &uid}},
		"dry run":      {DryRun: []string{metav1.DryRunAll}},
	} {
		store, source := newStoreOfA(t, deleteLooks)
		source.set("ns/a", newPod("a", "2")) // the source does not report it
		if got, err := getPod(WithDelete(t.Context(), options), store, "a", ""); err != nil || got.Status.Message != "2" {
			t.Errorf("%s: %q, %v", name, got.Status.Message, err)
		}
	}
}

func TestADeleteReadsLiveWhatItReadsAgain(t *testing.T) {
	store, source := newStoreOfA(t, deleteLooks)
	ctx := WithDelete(t.Context(), nil)
	for _, want := range []string{"1", "2"} {
		if got, err := getPod(ctx, store, "a", ""); err != nil || got.Status.Message != want {
			t.Errorf("%q, %v", got.Status.Message, err)
		}
		source.set("ns/a", newPod("a", "2")) // the source does not report it
	}
}

func TestADeleteThatIsRefusedForWhatTheViewShowsNoMoreIsTriedOnWhatIsThere(t *testing.T) {
	store, source := newStoreOfA(t, deleteLooks)
	ctx := WithDelete(t.Context(), nil)
	if _, err := getPod(ctx, store, "a", ""); err != nil {
		t.Fatal(err)
	}
	source.set("ns/a", newPod("a", "2", withUID("another"))) // the source does not report it
	source.remove = func(_ context.Context, subject string, object runtime.Object) error {
		if err := source.swap(subject, object, nil); err != nil {
			return apierrors.NewConflict(store.Resource, "a", err)
		}
		return nil
	}
	got, err := deleteA(ctx, store, nil, storage.ValidateAllObjectFunc)
	if err != nil || got.UID != "another" || source.observed("ns/a") != nil {
		t.Errorf("%v, deleted %s", err, got.UID)
	}
}

func TestADeleteThatIsRefusedForWhatIsThereIsTriedOnce(t *testing.T) {
	store, source := newStoreOfA(t, deleteLooks)
	ctx := WithDelete(t.Context(), nil)
	if _, err := getPod(ctx, store, "a", ""); err != nil {
		t.Fatal(err)
	}
	calls := 0
	source.remove = func(context.Context, string, runtime.Object) error {
		calls++
		return apierrors.NewConflict(store.Resource, "a", errors.New("in use"))
	}
	if _, err := deleteA(ctx, store, nil, storage.ValidateAllObjectFunc); !apierrors.IsConflict(err) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestADeleteThatIsRefusedDoesNotReachWhatHasTheNameForAnAlias(t *testing.T) {
	store, source := newStoreOfA(t, deleteLooks, func(c *Config) { c.Aliases = podAliases })
	ctx := WithDelete(t.Context(), nil)
	if _, err := getPod(ctx, store, "a", ""); err != nil {
		t.Fatal(err)
	}
	source.remove = func(context.Context, string, runtime.Object) error {
		source.set("ns/a", nil)
		source.put(newPod("b", "1", withAliases("a")))
		return apierrors.NewConflict(store.Resource, "a", errors.New("it has another name"))
	}
	if _, err := deleteA(ctx, store, nil, storage.ValidateAllObjectFunc); !apierrors.IsConflict(err) {
		t.Errorf("%v", err)
	}
}

func TestADeleteEndsWhenItsSubjectIsSeenToBeGone(t *testing.T) {
	for name, test := range map[string]struct {
		first map[string]runtime.Object // what the first observation returns
		want  time.Duration
	}{
		"at the first look":  {nil, 100 * time.Millisecond},
		"at the second look": {map[string]runtime.Object{"ns/b": newPod("b", "1")}, 300 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, source := newStoreOfA(t)
				looks := 0
				source.remove = func(_ context.Context, subject string, _ runtime.Object) error {
					source.observe = func(context.Context, string) (map[string]runtime.Object, []string, error) {
						looks++
						time.Sleep(time.Duration(looks) * 100 * time.Millisecond)
						if looks == 1 {
							return test.first, nil, nil
						}
						return nil, nil, nil
					}
					source.sink.MarkDirty(subject) // the event arrives before the call returns
					synctest.Wait()
					return nil
				}
				began := time.Now()
				if _, err := deleteA(t.Context(), store, nil, storage.ValidateAllObjectFunc); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took != test.want {
					t.Errorf("answered after %s, want %s", took, test.want)
				}
			})
		})
	}
}
