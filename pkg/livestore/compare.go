// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
)

// confirmAfter is how long after it has found differences a comparison looks again: what reports them may be on its way.
const confirmAfter = 2 * time.Second

// suspect is what a comparison saw of a subject that the view has otherwise. It is never changed.
type suspect struct {
	objects map[string]runtime.Object
	// versions are those of the view, by key, 0 where it has nothing.
	versions map[string]uint64
}

// compare goes through the subjects one by one, and again through those that differ from the view. What is still the same
// then, and the view as well, is a change that nothing has reported. It is counted, and taken in as all else is.
func (s *Store) compare(ctx context.Context, subjects []string) error {
	s.setSuspects(map[string]suspect{})
	defer s.setSuspects(nil)
	if err := s.lookAt(ctx, subjects); err != nil {
		return err
	}
	s.mu.RLock()
	differing := slices.Sorted(maps.Keys(s.suspects))
	s.mu.RUnlock()
	if len(differing) == 0 {
		return nil
	}
	timer := s.Clock.NewTimer(confirmAfter)
	defer timer.Stop()
	select {
	case <-timer.C():
		return s.lookAt(ctx, differing)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) setSuspects(suspects map[string]suspect) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.suspects = suspects
}

func (s *Store) lookAt(ctx context.Context, subjects []string) error {
	for _, subject := range subjects {
		number := s.tracker.mark(true, subject)
		err := s.tracker.wait(ctx, subject, number)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return ctx.Err()
		case isRefusal(err):
			return err
		}
	}
	return nil
}

// suspectLocked is called while a comparison goes on. The first time that it finds that the subject shows as other objects
// than the view has, it notes that and returns true. The second time it says whether nothing has moved since.
func (s *Store) suspectLocked(subject string, objects map[string]runtime.Object) (isNew, isConfirmed bool) {
	now := suspect{objects: objects, versions: s.view.versionsOf(subject, objects)}
	before, known := s.suspects[subject]
	delete(s.suspects, subject)
	switch {
	case s.view.has(subject, objects):
		return false, false
	case known:
		return false, maps.Equal(before.versions, now.versions) && reflect.DeepEqual(before.objects, now.objects)
	}
	s.suspects[subject] = now
	return true, false
}

// has is true if the subject shows as exactly these objects. Those that the view has get their generation.
func (v *view) has(subject string, objects map[string]runtime.Object) bool {
	same := len(v.owned[subject]) == len(objects)
	for name, object := range objects {
		e := v.get(v.prefix + name)
		same = e != nil && e.subject == subject && v.isShown(e, object) && same
	}
	return same
}

// versionsOf returns the versions of all that the subject shows as, or is to show as.
func (v *view) versionsOf(subject string, objects map[string]runtime.Object) map[string]uint64 {
	versions := make(map[string]uint64, len(objects))
	for name := range objects {
		versions[name] = 0
		if e := v.get(v.prefix + name); e != nil {
			versions[name] = e.version
		}
	}
	for _, key := range v.owned[subject] {
		versions[strings.TrimPrefix(key, v.prefix)] = v.get(key).version
	}
	return versions
}
