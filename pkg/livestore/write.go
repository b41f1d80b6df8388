// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"errors"
	"fmt"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
)

// Create implements storage.Interface. It ignores ttl: objects that expire are the business of their source.
func (s *Store) Create(ctx context.Context, key string, object, out runtime.Object, _ uint64) error {
	key, err := s.prepareKey(key, false)
	if err != nil {
		return err
	}
	if version, err := s.versioner.ObjectResourceVersion(object); err == nil && version != 0 {
		return storage.ErrResourceVersionSetOnCreate
	}
	e, err := s.live(ctx, key)
	if err != nil {
		return err
	}
	if e != nil && e.key == key {
		return storage.NewKeyExistsError(key, 0)
	}
	return s.create(ctx, key, object, out)
}

func (s *Store) create(ctx context.Context, key string, object, out runtime.Object) error {
	object = object.DeepCopyObject()
	if err := s.versioner.PrepareObjectForStorage(object); err != nil {
		return fmt.Errorf("preparing %s: %w", key, err)
	}
	subject, err := s.Source.Create(ctx, key[len(s.Prefix):], object)
	if err != nil {
		return err
	}
	return s.answerChange(ctx, key, subject, object, out)
}

// answerChange waits until a subject has been observed after a change, and answers with the object that is behind the key then.
// If the change removed the object, as when a container is removed when it stops, it answers with what was asked for.
func (s *Store) answerChange(ctx context.Context, key, subject string, asked, out runtime.Object) error {
	if err := s.await(ctx, subject); err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	e := s.resolve(key)
	if e != nil && e.moved { // the change gave the key to another subject, which has not been observed yet
		var err error
		if e, err = s.live(ctx, key); err != nil {
			return err
		}
	}
	if e != nil {
		return assign(s.answer(e, key), out)
	}
	setVersion(asked, s.Versions.Current())
	return assign(asked, out)
}

// GuaranteedUpdate implements storage.Interface. It ignores the cached object and reads the object from its source.
func (s *Store) GuaranteedUpdate(ctx context.Context, key string, out runtime.Object, ignoreNotFound bool,
	preconditions *storage.Preconditions, tryUpdate storage.UpdateFunc, _ runtime.Object) error {
	key, err := s.prepareKey(key, false)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		e, err := s.live(ctx, key)
		if err != nil {
			return err
		}
		if e == nil && !ignoreNotFound {
			return storage.NewKeyNotFoundError(key, 0)
		}
		existing, response := s.NewFunc(), storage.ResponseMeta{}
		if e != nil {
			existing, response.ResourceVersion = s.answer(e, key), e.version
		}
		if err := preconditions.Check(key, existing); err != nil {
			return err
		}
		updated, _, err := tryUpdate(existing.DeepCopyObject(), response)
		if err != nil {
			return err
		}
		if e == nil {
			return s.create(ctx, key, updated, out)
		}
		updated = updated.DeepCopyObject()
		if err := s.versioner.PrepareObjectForStorage(updated); err != nil {
			return fmt.Errorf("preparing %s: %w", key, err)
		}
		if equalButVersion(existing, updated, apiequality.Semantic.DeepEqual) {
			return assign(existing, out)
		}
		if !s.isCurrent(e) {
			continue
		}
		err = s.Source.Update(ctx, e.subject, existing, updated)
		if errors.Is(err, ErrStale) {
			continue
		}
		if err != nil {
			return err
		}
		return s.answerChange(ctx, key, e.subject, updated, out)
	}
	return s.timedOut("changing", ctx)
}

// Delete implements storage.Interface. It ignores the cached object and reads the object from its source, except for
// what WithDelete allows.
func (s *Store) Delete(ctx context.Context, key string, out runtime.Object, preconditions *storage.Preconditions,
	validate storage.ValidateObjectFunc, _ runtime.Object, opts storage.DeleteOptions) error {
	key, err := s.prepareKey(key, false)
	if err != nil {
		return err
	}
	if opts.ExpectTransformOrDecodeError {
		return storage.NewInvalidObjError(key, "nothing is encoded in this storage, so the object cannot be corrupt")
	}
	for ctx.Err() == nil {
		read, err := s.recent(ctx, key)
		if err != nil {
			return err
		}
		e := read.entry
		if e == nil {
			return storage.NewKeyNotFoundError(key, 0)
		}
		existing := s.answer(e, key)
		if err := preconditions.Check(key, existing); err != nil {
			return err
		}
		if err := validate(ctx, existing); err != nil {
			return err
		}
		if !s.isRecent(read) { // the validation took long
			if again, err := s.live(ctx, key); err != nil {
				return err
			} else if again == nil || again.version != e.version {
				continue
			}
		}
		if !s.isCurrent(e) {
			continue
		}
		err = s.Source.Delete(ctx, e.subject, existing)
		if errors.Is(err, ErrStale) || read.unchecked && apierrors.IsConflict(err) && s.isAnother(ctx, e) {
			continue
		}
		if err != nil {
			return err
		}
		if err := s.awaitRemoval(ctx, e.subject); err != nil {
			return err
		}
		deleted := shallowCopy(existing)
		setVersion(deleted, s.removedAt(e))
		return assign(deleted, out)
	}
	return s.timedOut("deleting", ctx)
}

// await waits until the subject has been observed after a call of the source that changed it and reported the change.
func (s *Store) await(ctx context.Context, subject string) error {
	return s.readBack(ctx, s.tracker.waitPatiently(ctx, subject, s.tracker.mark(false)))
}

// awaitRemoval is like await, for a removal. It also returns once the subject shows as no object: then another
// observation is not needed.
func (s *Store) awaitRemoval(ctx context.Context, subject string) error {
	isGone := func() bool {
		s.mu.RLock()
		defer s.mu.RUnlock()
		return len(s.view.owned[subject]) == 0
	}
	return s.readBack(ctx, s.tracker.waitUnless(ctx, isGone, subject, s.tracker.mark(false)))
}

// readBack returns the client's error for the error of a wait after a change.
func (s *Store) readBack(ctx context.Context, err error) error {
	if err != nil {
		return s.notReadBack(ctx)
	}
	return nil
}

// isCurrent reports whether the entry is still the newest one at its key.
func (s *Store) isCurrent(e *entry) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	now := s.view.get(e.key)
	return now != nil && now.version == e.version
}

// isAnother reports whether a live read of the entry's name finds no object, or another version of it. An object that
// has the name as an alias does not count, because the client did not mean it. If the read fails, isAnother returns
// true, so that the caller reads again and meets the error.
func (s *Store) isAnother(ctx context.Context, e *entry) bool {
	now, err := s.live(ctx, e.key)
	return err != nil || now == nil || now.key == e.key && now.version != e.version
}

// removedAt returns the version at which the entry was removed, or the current version if the history does not have it.
func (s *Store) removedAt(e *entry) uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, c := range s.view.history[s.view.indexAfter(e.version):] {
		if c.key == e.key && c.object == nil {
			return c.version
		}
	}
	return s.Versions.Current()
}
