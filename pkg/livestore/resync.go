// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"fmt"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
)

// listed is what a Lister has returned for all subjects. The store's lock guards it.
type listed struct {
	objects map[string]map[string]runtime.Object // by subject; one observation takes the objects of a subject
	began   *interval
}

// Resync implements Sink. Only one may run at a time.
func (s *Store) Resync(ctx context.Context) error {
	if s.ReadinessCheck() != nil {
		return s.fillView(ctx)
	}
	subjects, err := s.Source.Subjects(ctx)
	if err != nil {
		return err
	}
	return s.compare(ctx, s.withOwned(subjects))
}

// fillView observes all subjects and makes the store available.
func (s *Store) fillView(ctx context.Context) error {
	defer s.forgetListed()
	began := s.tracker.listing()
	subjects, err := s.list(ctx)
	if err != nil {
		s.tracker.markListed()
		return err
	}
	number := s.tracker.markListed(s.withOwned(subjects)...)
	if err := s.tracker.settle(ctx, number); err != nil {
		return err
	}
	if err := s.refusal(subjects, s.tracker.unserved(began, number)); err != nil {
		return err
	}
	s.SetUnavailable(nil)
	return nil
}

// refusal returns why a reading does not count because the source answered for none of the listed subjects. It returns
// nil if the reading counts. unserved has the subjects that were not observed, and why.
func (s *Store) refusal(listed []string, unserved map[string]error) error {
	var forbidden error
	for _, err := range unserved {
		switch {
		case apierrors.IsServiceUnavailable(err):
			return err
		case apierrors.IsForbidden(err):
			forbidden = err
		}
	}
	areGone := len(listed) > 0
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, subject := range listed {
		switch _, isUnserved := unserved[subject]; {
		case isUnserved:
			areGone = false
		case len(s.view.owned[subject]) > 0:
			return nil
		}
	}
	if forbidden == nil && areGone {
		return fmt.Errorf("the source lists %d %s, and then says of each that it does not exist", len(listed), s.Resource)
	}
	return forbidden
}

// list returns all subjects. If the source is a Lister, it keeps the listed objects until forgetListed.
func (s *Store) list(ctx context.Context) ([]string, error) {
	lister, ok := s.Source.(Lister)
	if !ok {
		return s.Source.Subjects(ctx)
	}
	s.mu.Lock()
	s.listed = &listed{began: s.view.begin()}
	s.mu.Unlock()
	objects, err := lister.List(ctx)
	subjects := slices.Collect(maps.Keys(objects))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed.objects = objects
	return subjects, err
}

// takeListed returns the objects that the list has for the subject, which is being observed, and an observation that
// began with the list. It returns nil if the list has no objects for the subject, or if they no longer count because of
// a later mark.
func (s *Store) takeListed(subject string) (map[string]runtime.Object, *interval) {
	counts := s.tracker.isListed(subject)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !counts || s.listed == nil || s.listed.objects[subject] == nil {
		return nil, nil
	}
	objects := s.listed.objects[subject]
	delete(s.listed.objects, subject)
	observed := s.view.begin()
	observed.began = s.listed.began.began
	return objects, observed
}

func (s *Store) forgetListed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listed != nil {
		s.view.end()
		s.listed = nil
	}
}

// withOwned returns the subjects and those that the view has.
func (s *Store) withOwned(subjects []string) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return sets.KeySet(s.view.owned).Insert(subjects...).UnsortedList()
}
