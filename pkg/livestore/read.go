// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
)

// Get implements storage.Interface. Without a resourceVersion the answer is live. With one the answer comes from the
// view.
func (s *Store) Get(ctx context.Context, key string, opts storage.GetOptions, out runtime.Object) error {
	key, err := s.prepareKey(key, false)
	if err != nil {
		return err
	}
	version, err := s.parseVersion(opts.ResourceVersion)
	if err != nil {
		return err
	}
	var e *entry
	if opts.ResourceVersion == "" {
		e, err = s.readFor(ctx, key)
	} else {
		e, err = s.remembered(key, version)
	}
	switch {
	case err != nil:
		return err
	case e != nil:
		return s.handOut(e, key, out)
	case opts.IgnoreNotFound:
		return runtime.SetZeroValue(out)
	}
	return storage.NewKeyNotFoundError(key, 0)
}

// GetList implements storage.Interface. Without a resourceVersion the answer is live. Lists at an exact version, and
// all pages after the first one, come from the history.
func (s *Store) GetList(ctx context.Context, key string, opts storage.ListOptions, listObject runtime.Object) error {
	prefix, err := s.prepareKey(key, opts.Recursive)
	if err != nil {
		return err
	}
	exact, start, err := storage.ValidateListOptions(prefix, s.versioner, opts)
	if err != nil {
		return err
	}
	if exact == 0 && (opts.ResourceVersion == "" || opts.Predicate.Continue != "" && opts.ResourceVersion != "0") {
		if opts.Recursive {
			err = s.pass(ctx)
		} else {
			_, err = s.live(ctx, prefix)
		}
		if err != nil {
			return err
		}
	}
	atLeast, err := s.parseVersion(opts.ResourceVersion)
	if err != nil {
		return err
	}
	if exact > 0 {
		atLeast = uint64(exact)
	}

	s.mu.RLock()
	version := s.Versions.Current()
	if opts.Predicate.Continue != "" && atLeast > version {
		s.mu.RUnlock()
		return newContinueExpired(start, prefix) // the token is from another server
	}
	if err = s.checkVersionLocked(atLeast, version); err == nil && exact > 0 {
		version = uint64(exact)
		if version < s.view.base {
			err = newExpired(version, s.view.base)
			if opts.Predicate.Continue != "" {
				err = newContinueExpired(start, prefix)
			}
		}
	}
	var found []*shared
	if err == nil {
		found = s.selectLocked(version, prefix, start, opts.Recursive, opts.Predicate)
	}
	s.mu.RUnlock()
	if err != nil {
		return err
	}
	return s.fill(listObject, found, prefix, version, opts)
}

// selectLocked returns the objects below prefix at version. If not recursive, it returns the one object that answers to
// prefix. It may return objects that the predicate does not select, but leaves out none that it selects.
func (s *Store) selectLocked(version uint64, prefix, start string, recursive bool, predicate storage.SelectionPredicate) []*shared {
	if recursive {
		return s.view.at(version, prefix, start, predicate)
	}
	if object := s.view.named(prefix, version).object(); object != nil {
		return []*shared{object}
	}
	return nil
}

// fill writes one page of the objects into listObject.
func (s *Store) fill(listObject runtime.Object, found []*shared, prefix string, version uint64, opts storage.ListOptions) error {
	page, looked, err := firstPage(found, opts.Predicate)
	if err != nil {
		return err
	}
	if list, ok := listObject.(*List); ok {
		list.keeper = s.keeper
	}
	if err := setItems(listObject, page); err != nil {
		return fmt.Errorf("listing %s: %w", s.Resource, err)
	}
	var next string
	var remaining *int64
	if left := len(found) - looked; left > 0 {
		// PrepareContinueToken expects a count that includes this page.
		next, remaining, err = storage.PrepareContinueToken(found[looked-1].key, prefix, int64(version), int64(left)+opts.Predicate.Limit, true, opts)
		if err != nil {
			return err
		}
	}
	return s.versioner.UpdateList(listObject, version, next, remaining)
}

// firstPage returns the objects that the predicate selects, up to its limit. looked is how many objects it has looked
// at.
func firstPage(found []*shared, predicate storage.SelectionPredicate) (page []*shared, looked int, err error) {
	limit := len(found)
	if predicate.Limit > 0 {
		limit = int(min(int64(limit), predicate.Limit))
	}
	if predicate.Empty() {
		return found[:limit], limit, nil
	}
	for ; looked < len(found) && len(page) < limit; looked++ {
		if matches, err := predicate.Matches(found[looked].object); err != nil {
			return nil, 0, err
		} else if matches {
			page = append(page, found[looked])
		}
	}
	return page, looked, nil
}

// pass returns once the view shows every change that was complete in the source when pass was called. It does not wait
// for subjects for which the source is slow or fails.
func (s *Store) pass(ctx context.Context) error { return s.passFence(ctx, s.Source.Fence) }

// passFence is pass for the changes that the fence has reported.
func (s *Store) passFence(ctx context.Context, fence func(context.Context) error) error {
	if err := s.ReadinessCheck(); err != nil {
		return err
	}
	if err := fence(ctx); err != nil {
		return err
	}
	if err := s.tracker.settle(ctx, s.tracker.mark(false)); err != nil {
		return s.timedOut("reading", ctx)
	}
	return s.ReadinessCheck()
}

// live returns the entry that answers to key now, nil if there is none. It promises more than pass: it shows changes of
// this one object that the source does not report, unless the source is slow to answer for it.
//
// If a new observation finds the object under its own name, that alone proves that the name means this object. No fence
// is needed, but GetFence if it is set. The fence is needed in all other cases: for names that have moved or gone, for aliases, and for subjects
// that are slow to observe.
func (s *Store) live(ctx context.Context, key string) (*entry, error) {
	if e, err := s.observed(ctx, key); e != nil || err != nil {
		return e, err
	}
	if err := s.pass(ctx); err != nil {
		return nil, err
	}
	if e := s.resolve(key); e != nil {
		if err := s.refresh(ctx, e.subject); err != nil {
			return nil, err
		}
		if e = s.resolve(key); e != nil {
			return e, nil
		}
	}
	subject, err := s.Source.Lookup(ctx, key[len(s.Prefix):])
	if err != nil || subject == "" {
		return nil, err
	}
	// The subject exists, and the view has nothing that answers to the key. Wait however slow the source is: to answer
	// NotFound would be wrong.
	if err := s.tracker.waitForOutcome(ctx, subject, s.tracker.mark(false, subject)); err != nil {
		return nil, s.notObserved(ctx, err)
	}
	return s.resolve(key), nil
}

// observed returns the entry with that name if an observation that begins now still finds it there. It returns nil if
// the name must be looked up in another way, and an error if its subject cannot be observed.
func (s *Store) observed(ctx context.Context, key string) (*entry, error) {
	if err := s.ReadinessCheck(); err != nil {
		return nil, err
	}
	before := s.get(key)
	if before == nil {
		return nil, nil
	}
	number := s.tracker.mark(false, before.subject)
	if s.GetFence != nil {
		if err := s.passFence(ctx, s.GetFence); err != nil {
			return nil, err
		}
	}
	err := s.tracker.wait(ctx, before.subject, number)
	if errors.Is(err, errSlow) {
		return nil, nil
	}
	if err != nil {
		return nil, s.notObserved(ctx, err)
	}
	if e := s.get(key); e != nil && e.subject == before.subject && !e.moved {
		return e, s.ReadinessCheck()
	}
	return nil, nil
}

// refresh observes the subject now. It is no error if the source is slow.
func (s *Store) refresh(ctx context.Context, subject string) error {
	err := s.tracker.wait(ctx, subject, s.tracker.mark(false, subject))
	if err == nil || errors.Is(err, errSlow) {
		return nil
	}
	return s.notObserved(ctx, err)
}

// notObserved returns the client's error for the error of a wait for an observation.
func (s *Store) notObserved(ctx context.Context, err error) error {
	if ctx.Err() != nil || s.tracker.ctx.Err() != nil {
		return s.timedOut("reading", ctx)
	}
	return err
}

// get returns the entry with that name. It ignores other spellings and aliases.
func (s *Store) get(key string) *entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.view.get(key)
}

// remembered returns the entry that answers to key in the view. The view must be at version or later.
func (s *Store) remembered(key string, version uint64) (*entry, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.checkVersionLocked(version, s.Versions.Current()); err != nil {
		return nil, err
	}
	return s.view.resolve(key), nil
}

func (s *Store) resolve(key string) *entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.view.resolve(key)
}

func (s *Store) checkVersionLocked(atLeast, current uint64) error {
	if s.unavailable != nil {
		return s.unavailable
	}
	if atLeast > current {
		return storage.NewTooLargeResourceVersionError(atLeast, current, 1)
	}
	return nil
}

func (s *Store) prepareKey(key string, recursive bool) (string, error) {
	prepared, err := storage.PrepareKey(s.Prefix, key, recursive)
	if err != nil {
		return "", apierrors.NewBadRequest(err.Error())
	}
	return prepared, nil
}

func (s *Store) parseVersion(version string) (uint64, error) {
	parsed, err := s.versioner.ParseResourceVersion(version)
	if err != nil {
		return 0, apierrors.NewBadRequest(fmt.Sprintf("invalid resourceVersion: %v", err))
	}
	return parsed, nil
}

// assign copies the struct behind from into the struct behind to. They share what lies deeper, so nobody may change
// that.
func assign(from, to runtime.Object) error {
	target, err := conversion.EnforcePtr(to)
	if err != nil {
		return err
	}
	source := reflect.ValueOf(from).Elem()
	if source.Type() != target.Type() {
		return fmt.Errorf("cannot hand out %T as %T", from, to)
	}
	target.Set(source)
	return nil
}

// shallowCopy returns a copy whose own fields and metadata may be set. The copy shares what lies deeper.
func shallowCopy(object runtime.Object) runtime.Object {
	source := reflect.ValueOf(object).Elem()
	target := reflect.New(source.Type())
	target.Elem().Set(source)
	return target.Interface().(runtime.Object)
}

// emptyObject returns an object with nothing but a version and annotations.
func (s *Store) emptyObject(version uint64, annotations map[string]string) runtime.Object {
	object := s.NewFunc()
	m := accessor(object)
	m.SetAnnotations(annotations)
	setVersion(object, version)
	return object
}

var initialEventsEnd = map[string]string{metav1.InitialEventsAnnotationKey: "true"}
