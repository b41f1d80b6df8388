// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"sync"
	"time"

	"k8s.io/utils/clock"
)

const (
	// listenerPause is the pause after a notification for each who listens: what it takes to tell one, and several times that.
	listenerPause = 20 * time.Microsecond
	// shortestPause is the shortest that is kept, and longestPause the longest.
	shortestPause = 2 * time.Millisecond
	longestPause  = 250 * time.Millisecond
)

// notifier tells any number of listeners that something has changed: at once, unless it did so a moment ago. Where many
// listen, telling them is most of the work, and they take several changes together for little more than one. So there is a
// pause, twice as long as it takes until the last one hears: half of the time is for who makes the changes known.
type notifier struct {
	clock clock.WithDelayedExecution

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced at every notification
	notified  time.Time
	slowest   time.Duration // until the last of the listeners heard, so far
	due       bool          // a timer runs that will notify
	listeners int
}

func newNotifier(clock clock.WithDelayedExecution) *notifier {
	return &notifier{clock: clock, changed: make(chan struct{})}
}

// listen counts a listener until the returned function is called.
func (n *notifier) listen() func() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners++
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.listeners--
	}
}

// next returns a channel that the next notification closes.
func (n *notifier) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changed
}

// heard notes that a listener has found the channel closed.
func (n *notifier) heard() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.slowest = max(n.slowest, n.clock.Since(n.notified))
}

// notify has the listeners told, once for all calls in a pause.
func (n *notifier) notify() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.due {
		return
	}
	if left := n.pause() - n.clock.Since(n.notified); left > 0 {
		n.due = true
		n.clock.AfterFunc(left, func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.notifyLocked()
		})
		return
	}
	n.notifyLocked()
}

func (n *notifier) pause() time.Duration {
	least := time.Duration(n.listeners) * listenerPause
	if least < shortestPause {
		return 0
	}
	return min(max(least, 2*n.slowest), longestPause)
}

func (n *notifier) notifyLocked() {
	n.due = false
	n.notified, n.slowest = n.clock.Now(), 0
	close(n.changed)
	n.changed = make(chan struct{})
}
