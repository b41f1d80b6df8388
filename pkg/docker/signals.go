// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import "sync"

// signals tells those who wait for it that a container was sent a signal. Docker's event of that is how it shows that it has
// begun to stop a container: its answer comes when the container has stopped.
type signals struct {
	mu      sync.Mutex
	waiting map[string]map[chan struct{}]struct{} // by the container's ID
}

// await returns a channel that is closed when the container is sent the next signal. The caller has to call forget.
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

// sent tells those who wait that the container was sent a signal.
func (s *signals) sent(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for waiter := range s.waiting[id] {
		close(waiter)
	}
	delete(s.waiting, id)
}
