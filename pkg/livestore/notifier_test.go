// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// waiters returns a notifier that tells two listeners at once, and its listeners, which all wait.
func waiters(count int) (*notifier, []*listener) {
	n := newNotifier()
	n.atOnce = 2
	listeners := make([]*listener, count)
	for i := range listeners {
		listeners[i] = n.listen()
		listeners[i].look()
		listeners[i].wait()
	}
	return n, listeners
}

// told returns which listeners have been told and have not heard yet.
func told(listeners []*listener) []int {
	var told []int
	for i, l := range listeners {
		if len(l.wake) > 0 {
			told = append(told, i)
		}
	}
	return told
}

func wantTold(t *testing.T, listeners []*listener, want ...int) {
	t.Helper()
	if got := told(listeners); !slices.Equal(got, want) {
		t.Errorf("told: %v, want %v", got, want)
	}
}

func TestListenersAreToldInTheOrderInWhichTheyWaitAndAFewAtOnce(t *testing.T) {
	n, listeners := waiters(5)
	n.notify()
	n.notify()
	wantTold(t, listeners, 0, 1)
	listeners[1].heard()
	wantTold(t, listeners, 0, 2)
	listeners[1].look() // it sees both changes
	listeners[1].wait()
	listeners[0].heard()
	wantTold(t, listeners, 2, 3)
	listeners[2].heard()
	listeners[3].heard()
	wantTold(t, listeners, 4)
	listeners[4].heard()
	wantTold(t, listeners)
	n.notify()
	wantTold(t, listeners, 1) // no other listener waits
}

func TestAListenerHearsOfAChangeBetweenItsLookAndItsWait(t *testing.T) {
	n, listeners := waiters(1)
	listeners[0].heard()
	listeners[0].look()
	n.notify()
	listeners[0].wait()
	wantTold(t, listeners, 0)
	listeners[0].heard()
	wantTold(t, listeners)
}

func TestAListenerThatGoesPassesItsTurnOn(t *testing.T) {
	n, listeners := waiters(5)
	listeners[0].heard() // its wait ends for another reason; it was not told
	n.notify()
	wantTold(t, listeners, 1, 2)
	listeners[1].heard()
	listeners[2].heard()
	wantTold(t, listeners, 3, 4)
}

func TestAListenerThatIsBusyKeepsNobodyFromHearing(t *testing.T) {
	n, listeners := waiters(4)
	n.notify()
	listeners[0].heard()
	listeners[1].heard() // both listeners are busy now
	wantTold(t, listeners, 2, 3)
	listeners[2].heard()
	listeners[3].heard()
	listeners[2].look()
	listeners[2].wait()
	n.notify()
	wantTold(t, listeners, 2)
}

func TestAllListenersHearOfTheLastChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const last = 1000
		n := newNotifier()
		var current atomic.Int64
		var listening sync.WaitGroup
		seen := make([]atomic.Int64, 50)
		for i := range seen {
			listening.Go(func() {
				for l := n.listen(); seen[i].Load() < last; {
					l.look()
					if now := current.Load(); now > seen[i].Load() {
						seen[i].Store(now)
						continue
					}
					<-l.wait()
					l.heard()
				}
			})
		}
		for range last {
			current.Add(1)
			n.notify()
		}
		synctest.Wait()
		for i := range seen {
			if got := seen[i].Load(); got != last {
				t.Errorf("listener %d waits with change %d of %d", i, got, last)
			}
		}
		listening.Wait()
	})
}

func TestTheNextChangeClosesAChannel(t *testing.T) {
	n := newNotifier()
	next := n.next()
	select {
	case <-next:
		t.Error("closed before a change")
	default:
	}
	n.notify()
	select {
	case <-next:
	default:
		t.Error("open after a change")
	}
}
