// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
)

func setMessage(message string) storage.UpdateFunc {
	return storage.SimpleUpdate(func(object runtime.Object) (runtime.Object, error) {
		object.(*example.Pod).Status.Message = message
		return object, nil
	})
}

func updateA(ctx context.Context, store *Store, message string) (*example.Pod, error) {
	out := &example.Pod{}
	err := store.GuaranteedUpdate(ctx, "/pods/ns/a", out, false, nil, setMessage(message), nil)
	return out, err
}

func deleteA(ctx context.Context, store *Store, preconditions *storage.Preconditions, validate storage.ValidateObjectFunc) (*example.Pod, error) {
	out := &example.Pod{}
	err := store.Delete(ctx, "/pods/ns/a", out, preconditions, validate, nil, storage.DeleteOptions{})
	return out, err
}

// newStoreOfA returns a store that holds the pod a=1.
func newStoreOfA(t *testing.T, adjust ...func(*Config)) (*Store, *memorySource) {
	store, source := newMemoryStore(t, adjust...)
	source.put(newPod("a", "1"))
	mustGet(t, store, "a")
	return store, source
}

func TestAnUpdateThatChangesNothingMakesNoCall(t *testing.T) {
	store, source := newStoreOfA(t)
	source.update = func(context.Context, string, runtime.Object, runtime.Object) error {
		t.Error("the source was called")
		return nil
	}
	before := store.Versions.Current()
	got, err := updateA(t.Context(), store, "1")
	if err != nil || got.ResourceVersion != formatVersion(before) || store.Versions.Current() != before {
		t.Errorf("version %s of %d, %v", got.ResourceVersion, before, err)
	}
}

func TestAnUpdateShowsTheStateAfterIt(t *testing.T) {
	store, _ := newStoreOfA(t)
	got, err := updateA(t.Context(), store, "2")
	if err != nil || got.Status.Message != "2" || got.ResourceVersion != current(store) {
		t.Errorf("%q at %s, %v", got.Status.Message, got.ResourceVersion, err)
	}
}

func TestAStaleWriteReadsAgainAndTriesAgain(t *testing.T) {
	store, source := newStoreOfA(t)
	stale := 3
	source.update = func(_ context.Context, subject string, old, updated runtime.Object) error {
		if stale--; stale >= 0 {
			source.set(subject, newPod("a", "in between", withLabel("kept", "yes")))
			return ErrStale
		}
		return source.swap(subject, old, updated)
	}
	got, err := updateA(t.Context(), store, "2")
	if err != nil || got.Status.Message != "2" || got.Labels["kept"] != "yes" || stale != -1 {
		t.Errorf("%v after %d more calls, %v", got, stale, err)
	}
	stale = 3
	source.remove = func(_ context.Context, subject string, object runtime.Object) error {
		if stale--; stale >= 0 {
			return ErrStale
		}
		return source.swap(subject, object, nil)
	}
	if _, err := deleteA(t.Context(), store, nil, storage.ValidateAllObjectFunc); err != nil || stale != -1 {
		t.Errorf("after %d more calls: %v", stale, err)
	}
}

func TestASourceThatIsAlwaysStaleEndsWithTheRequestAsATimeout(t *testing.T) {
	store, source := newStoreOfA(t)
	for what, write := range map[string]func(ctx context.Context) error{
		"update": func(ctx context.Context) error { _, err := updateA(ctx, store, "2"); return err },
		"delete": func(ctx context.Context) error {
			_, err := deleteA(ctx, store, nil, storage.ValidateAllObjectFunc)
			return err
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		stale := func() error {
			if calls++; calls == 5 {
				cancel()
			}
			return ErrStale
		}
		source.update = func(context.Context, string, runtime.Object, runtime.Object) error { return stale() }
		source.remove = func(context.Context, string, runtime.Object) error { return stale() }
		if err := write(ctx); !apierrors.IsTimeout(err) || calls != 5 {
			t.Errorf("%s: %v after %d calls", what, err, calls)
		}
	}
}

func TestAnUpdateThatMakesTheObjectGoIsAnsweredWithWhatWasAskedFor(t *testing.T) {
	store, source := newStoreOfA(t)
	source.update = func(_ context.Context, subject string, _, _ runtime.Object) error {
		source.set(subject, nil)
		return nil
	}
	got, err := updateA(t.Context(), store, "2")
	if err != nil || got.Status.Message != "2" || got.ResourceVersion != current(store) {
		t.Errorf("%q at %s, %v", got.Status.Message, got.ResourceVersion, err)
	}
	if _, err := updateA(t.Context(), store, "3"); !storage.IsNotFound(err) {
		t.Error(err)
	}
}

func TestAnUpdateOfWhatIsNotThereCanMakeIt(t *testing.T) {
	store, _ := newMemoryStore(t)
	out := &example.Pod{}
	make := storage.SimpleUpdate(func(runtime.Object) (runtime.Object, error) { return newPod("a", "made"), nil })
	if err := store.GuaranteedUpdate(t.Context(), "/pods/ns/a", out, true, nil, make, nil); err != nil || out.Status.Message != "made" || out.ResourceVersion == "" {
		t.Errorf("%v, %v", out, err)
	}
}

func TestWritesFailUnlessTheirPreconditionsHold(t *testing.T) {
	store, source := newStoreOfA(t)
	source.set("ns/a", newPod("a", "changed unreported"))
	uid, old := types.UID("another"), "2"
	for name, preconditions := range map[string]*storage.Preconditions{
		"uid":             {UID: &uid},
		"resourceVersion": {ResourceVersion: &old},
	} {
		err := store.GuaranteedUpdate(t.Context(), "/pods/ns/a", &example.Pod{}, false, preconditions, setMessage("2"), nil)
		if !storage.IsInvalidObj(err) {
			t.Errorf("update with %s: %v", name, err)
		}
		if _, err := deleteA(t.Context(), store, preconditions, storage.ValidateAllObjectFunc); !storage.IsInvalidObj(err) {
			t.Errorf("delete with %s: %v", name, err)
		}
	}
	if got := mustGet(t, store, "a").Status.Message; got != "changed unreported" {
		t.Errorf("the object is %q", got)
	}
}

func TestErrorsOfTheSourceReachTheClientUnchanged(t *testing.T) {
	store, source := newStoreOfA(t)
	conflict := apierrors.NewConflict(store.Resource, "a", errors.New("in use"))
	source.create = func(context.Context, string, runtime.Object) (string, error) { return "", conflict }
	source.update = func(context.Context, string, runtime.Object, runtime.Object) error { return conflict }
	source.remove = func(context.Context, string, runtime.Object) error { return conflict }
	_, updateErr := updateA(t.Context(), store, "2")
	_, deleteErr := deleteA(t.Context(), store, nil, storage.ValidateAllObjectFunc)
	for what, err := range map[string]error{
		"update": updateErr,
		"delete": deleteErr,
		"create": store.Create(t.Context(), "/pods/ns/b", newPod("b", ""), nil, 0),
	} {
		if err != error(conflict) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAnErrorOfTheCallerEndsTheWrite(t *testing.T) {
	store, _ := newStoreOfA(t)
	refused := errors.New("refused")
	refuse := storage.SimpleUpdate(func(runtime.Object) (runtime.Object, error) { return nil, refused })
	if err := store.GuaranteedUpdate(t.Context(), "/pods/ns/a", &example.Pod{}, false, nil, refuse, nil); !errors.Is(err, refused) {
		t.Errorf("update: %v", err)
	}
	validate := func(context.Context, runtime.Object) error { return refused }
	if _, err := deleteA(t.Context(), store, nil, validate); !errors.Is(err, refused) {
		t.Errorf("delete: %v", err)
	}
	mustGet(t, store, "a")
}

func TestAWriteUnderAChangeThatTheCallerHasNotSeenIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newStoreOfA(t)
		rounds := 0
		change := func() {
			if rounds++; rounds == 1 {
				source.put(newPod("a", "in between", withLabel("kept", "yes")))
				synctest.Wait()
			}
		}
		source.update = func(_ context.Context, subject string, old, updated runtime.Object) error {
			if accessor(old).GetLabels()["kept"] != "yes" {
				t.Error("the source was called with an outdated object")
			}
			return source.swap(subject, old, updated)
		}
		err := store.GuaranteedUpdate(t.Context(), "/pods/ns/a", &example.Pod{}, false, nil, storage.SimpleUpdate(func(object runtime.Object) (runtime.Object, error) {
			change()
			object.(*example.Pod).Status.Message = "2"
			return object, nil
		}), nil)
		if err != nil || rounds != 2 {
			t.Errorf("%d rounds, %v", rounds, err)
		}
		rounds = 0
		source.remove = func(_ context.Context, subject string, object runtime.Object) error {
			if rounds != 2 {
				t.Error("the source was called with an outdated object")
			}
			return source.swap(subject, object, nil)
		}
		validate := func(context.Context, runtime.Object) error { change(); return nil }
		if got, err := deleteA(t.Context(), store, nil, validate); err != nil || rounds != 2 || got.Status.Message != "in between" {
			t.Errorf("%d rounds, %q, %v", rounds, got.Status.Message, err)
		}
	})
}

func TestADeleteReturnsTheVersionOfTheDeletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newStoreOfA(t)
		c := collect(watchPods(t, store, current(store)))
		source.remove = func(_ context.Context, subject string, object runtime.Object) error {
			err := source.swap(subject, object, nil)
			source.sink.MarkDirty(subject)
			synctest.Wait()
			source.put(newPod("other", "1"))
			synctest.Wait()
			return err
		}
		deleted, err := deleteA(t.Context(), store, nil, storage.ValidateAllObjectFunc)
		synctest.Wait()
		if err != nil || len(c.seen()) != 2 || c.seen()[0] != "DELETED a=1@"+deleted.ResourceVersion {
			t.Errorf("version %s, %v; the watch saw %q", deleted.ResourceVersion, err, c.seen())
		}
		if _, err := deleteA(t.Context(), store, nil, storage.ValidateAllObjectFunc); !storage.IsNotFound(err) {
			t.Error(err)
		}
	})
}

func TestADeleteThatLeavesTheObjectAnswersWithTheCurrentVersion(t *testing.T) {
	store, source := newStoreOfA(t)
	source.remove = func(context.Context, string, runtime.Object) error { return nil }
	deleted, err := deleteA(t.Context(), store, nil, storage.ValidateAllObjectFunc)
	if err != nil || deleted.ResourceVersion != current(store) {
		t.Errorf("version %s, %v", deleted.ResourceVersion, err)
	}
}

func TestAWriteThatIsNotReadBackIsATimeoutThatIsNotRetried(t *testing.T) {
	for what, end := range map[string]func(*Store, context.CancelFunc){
		"the request ends":       func(_ *Store, cancel context.CancelFunc) { cancel() },
		"the server is stopping": func(store *Store, _ context.CancelFunc) { go store.Stop() },
	} {
		synctest.Test(t, func(t *testing.T) {
			store, source := newStoreOfA(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			source.update = func(_ context.Context, subject string, old, updated runtime.Object) error {
				source.observe = func(ctx context.Context, _ string) (map[string]runtime.Object, []string, error) {
					end(store, cancel)
					<-ctx.Done()
					return nil, nil, ctx.Err()
				}
				return source.swap(subject, old, updated)
			}
			_, err := updateA(ctx, store, "2")
			if _, isRetried := apierrors.SuggestsClientDelay(err); !apierrors.IsTimeout(err) || isRetried || !strings.Contains(err.Error(), "was made") {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
}

func TestAnObjectThatIsMadeHasNoVersionYet(t *testing.T) {
	store, _ := newMemoryStore(t)
	pod := newPod("a", "1")
	pod.ResourceVersion = "5"
	if err := store.Create(t.Context(), "/pods/ns/a", pod, nil, 0); !errors.Is(err, storage.ErrResourceVersionSetOnCreate) {
		t.Error(err)
	}
}
