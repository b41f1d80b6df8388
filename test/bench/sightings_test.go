// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"sync"
	"testing"
	"time"
)

// sightings records when each event of each object was seen first.
type sightings struct {
	mu     sync.Mutex
	at     map[[2]string]time.Time
	counts map[string]int
	more   chan struct{} // closed and replaced at every sighting
}

func newSightings() *sightings {
	return &sightings{at: map[[2]string]time.Time{}, counts: map[string]int{}, more: make(chan struct{})}
}

func (s *sightings) add(name, what string) { s.addAt(name, what, time.Now()) }

func (s *sightings) addAt(name, what string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[name]++
	if _, seen := s.at[[2]string{what, name}]; !seen {
		s.at[[2]string{what, name}] = at
	}
	close(s.more)
	s.more = make(chan struct{})
}

// await waits until an event of an object was seen, and returns the time of the first sighting.
func (s *sightings) await(tb testing.TB, what, name string) time.Time {
	tb.Helper()
	for deadline := time.After(patience); ; {
		s.mu.Lock()
		at, seen := s.at[[2]string{what, name}]
		more := s.more
		s.mu.Unlock()
		if seen {
			return at
		}
		select {
		case <-more:
		case <-deadline:
			tb.Fatalf("%s of %s was not seen", what, name)
		}
	}
}

// count returns how many events of an object were seen.
func (s *sightings) count(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[name]
}
