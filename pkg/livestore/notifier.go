// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"container/list"
	"runtime"
	"sync"
)

// notifier tells any number of listeners that something has changed. It tells a few at a time, and first those that
// have waited longest. A listener that is told takes all changes so far at once, for little more than the cost of one.
// The more listeners wait, the more changes each of them takes at once. If all listeners were told at the same time,
// they would keep the processors from the goroutines that make the changes.
type notifier struct {
	atOnce int // how many may be told and have not heard yet

	mu      sync.Mutex
	count   uint64        // how many changes there were
	changed chan struct{} // closed and replaced at every change
	waiting list.List     // listeners in the order in which they began to wait; their looked never decreases
	told    int           // how many were told and have not heard yet
}

// listener is one listener of a notifier. One goroutine uses it, in turns: it calls look, and if it finds nothing new,
// wait and then heard.
type listener struct {
	notifier *notifier
	wake     chan struct{}
	looked   uint64        // the count at the last look
	element  *list.Element // in the notifier's list; nil when it does not wait there
	told     bool
}

func newNotifier() *notifier {
	return &notifier{atOnce: runtime.GOMAXPROCS(0), changed: make(chan struct{})}
}

// next returns a channel that the next change closes.
func (n *notifier) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changed
}

// notify tells the listeners that there is a change.
func (n *notifier) notify() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.count++
	close(n.changed)
	n.changed = make(chan struct{})
	n.tellLocked()
}

// tellLocked tells the listeners whose turn it is.
func (n *notifier) tellLocked() {
	for first := n.waiting.Front(); first != nil && n.told < n.atOnce; first = n.waiting.Front() {
		l := first.Value.(*listener)
		if l.looked == n.count {
			return
		}
		n.waiting.Remove(first)
		l.element, l.told = nil, true
		n.told++
		l.wake <- struct{}{} // does not block: wake has room for one
	}
}

// listen returns a new listener.
func (n *notifier) listen() *listener {
	return &listener{notifier: n, wake: make(chan struct{}, 1)}
}

// look must be called before the listener looks for changes. The listener is told of every later change.
func (l *listener) look() {
	l.notifier.mu.Lock()
	defer l.notifier.mu.Unlock()
	l.looked = l.notifier.count
}

// wait returns a channel that has a value when there are changes after the last look. heard must follow, whatever ends
// the wait.
func (l *listener) wait() <-chan struct{} {
	l.notifier.mu.Lock()
	defer l.notifier.mu.Unlock()
	if l.looked == l.notifier.count {
		l.element = l.notifier.waiting.PushBack(l)
	} else {
		l.wake <- struct{}{}
	}
	return l.wake
}

// heard ends a wait.
func (l *listener) heard() {
	l.notifier.mu.Lock()
	defer l.notifier.mu.Unlock()
	select {
	case <-l.wake:
	default:
	}
	if l.element != nil {
		l.notifier.waiting.Remove(l.element)
		l.element = nil
	}
	if l.told {
		l.told = false
		l.notifier.told--
		l.notifier.tellLocked()
	}
}
