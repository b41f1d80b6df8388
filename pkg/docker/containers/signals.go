// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import "sync"

// signals tells waiters that a container was sent a signal. Docker's event about the signal shows that Docker has begun
// to stop the container. The answer to the stop request comes only after the container has stopped.
type signals struct {
	mu      sync.Mutex
	waiting map[string]map[chan struct{}]struct{} // by the container's ID
}

// await returns a channel that is closed when the container is sent its next signal. The caller must call forget.
func (s *signals) await(id string) (sent <-chan struct{}, forget func()) {
	waiter := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil {
		s.waiting = map[string]map[chan struct{}]struct{}{}
	}
	if s.waiting[id] == nil {
		s.waiting[id] = map[chan struct{}]struct{}{}
	}
	s.waiting[id][waiter] = struct{}{}
	return waiter, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiting[id], waiter)
		if len(s.waiting[id]) == 0 {
			delete(s.waiting, id)
		}
	}
}

// sent tells all waiters that the container was sent a signal.
func (s *signals) sent(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for waiter := range s.waiting[id] {
		close(waiter)
	}
	delete(s.waiting, id)
}
