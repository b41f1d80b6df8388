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

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
)

// confirmAfter is how long a comparison waits before it checks the differences that it found. An event that reports
// them may still be on its way.
const confirmAfter = 2 * time.Second

// suspect is a subject that a comparison found to differ from the view. It is never changed.
type suspect struct {
	objects map[string]runtime.Object
	// versions are the versions in the view by key, 0 for a key that the view does not have.
	versions map[string]uint64
}

// compare observes the subjects one by one. After confirmAfter it observes the suspects again: the subjects that
// differed from the view. If neither the suspect nor the view has changed in between, nothing has reported this
// difference. A metric counts it. The view takes it in like the result of any other observation.
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

// lookAt observes the subjects one by one. It fails if the source refuses all of them. A refusal of some of them
// concerns only these: they stay in the view as they were.
func (s *Store) lookAt(ctx context.Context, subjects []string) error {
	var forbidden error
	observed, refused := 0, 0
	for _, subject := range subjects {
		number := s.tracker.mark(true, subject)
		err := s.tracker.wait(ctx, subject, number)
		switch {
		case err == nil:
			observed++
		case ctx.Err() != nil:
			return ctx.Err()
		case apierrors.IsServiceUnavailable(err):
			return err
		case apierrors.IsForbidden(err):
			forbidden = err
			refused++
		}
	}
	if observed == 0 {
		return forbidden
	}
	if refused > 0 {
		klog.FromContext(ctx).Info("The source refuses to show some objects", "resource", s.Resource, "refused", refused, "reason", forbidden.Error())
	}
	return nil
}

// suspectLocked judges an observation that a comparison asked for. If the subject differs from the view for the first
// time, it notes the suspect and returns isNew. The second time, isConfirmed says whether neither the subject nor the
// view has changed in between.
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

// has reports whether the view shows the subject as exactly these objects. It sets the generation of those that the
// view shows.
func (v *view) has(subject string, objects map[string]runtime.Object) bool {
	same := len(v.owned[subject]) == len(objects)
	for name, object := range objects {
		e := v.get(v.prefix + name)
		same = e != nil && e.subject == subject && v.isShown(e, object) && same
	}
	return same
}

// versionsOf returns the versions of all objects that the view shows for the subject or that objects has, by key
// without the prefix. The version is 0 for a key that the view does not have.
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
