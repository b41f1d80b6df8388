// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"container/list"
	"runtime"
	"sync"
)

// notifier tells any number of listeners that something has changed: a few at a time, those first who wait the longest.
// Whoever is told takes all changes so far together for little more than one, so that the more of them wait, the more each
// gets at once. Were all told at the same time, they would keep the processors from those who make the changes known.
type notifier struct {
	atOnce int // how many are told before the first of them has heard

	mu      sync.Mutex
	count   uint64        // of changes
	changed chan struct{} // closed and replaced at every change
	waiting list.List     // of listeners, by the count that they have looked after
	told    int           // that have not heard yet
}

// listener is one of a notifier's. One goroutine uses it, in turns: look, and where there was nothing wait and heard.
type listener struct {
	notifier *notifier
	wake     chan struct{}
	looked   uint64        // the count at the last look
	element  *list.Element // where it waits
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

// notify has the listeners told that there is a change.
func (n *notifier) notify() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.count++
	close(n.changed)
	n.changed = make(chan struct{})
	n.tellLocked()
}

// tellLocked tells those whose turn it is.
func (n *notifier) tellLocked() {
	for first := n.waiting.Front(); first != nil && n.told < n.atOnce; first = n.waiting.Front() {
		l := first.Value.(*listener)
		if l.looked == n.count {
			return
		}
		n.waiting.Remove(first)
		l.element, l.told = nil, true
		n.told++
		l.wake <- struct{}{} // it has room for one
	}
}

// listen returns a new listener.
func (n *notifier) listen() *listener {
	return &listener{notifier: n, wake: make(chan struct{}, 1)}
}

// look is called before a look at what there is: it is told of all that comes after this.
func (l *listener) look() {
	l.notifier.mu.Lock()
	defer l.notifier.mu.Unlock()
	l.looked = l.notifier.count
}

// wait returns a channel that has something when there are changes after the last look. heard must follow, whatever ends the wait.
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
