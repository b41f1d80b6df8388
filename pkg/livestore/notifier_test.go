// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"
)

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestAChangeAfterAPauseIsNotifiedAtOnceHoweverManyListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNotifier(clock.RealClock{})
		for range 100_000 {
			defer n.listen()()
		}
		for range 3 {
			next := n.next()
			n.notify()
			if !isClosed(next) {
				t.Error("it was not")
			}
			time.Sleep(longestPause)
		}
	})
}

func TestChangesOfOnePauseAreNotifiedTogetherAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNotifier(clock.RealClock{})
		for range 1000 {
			defer n.listen()()
		}
		n.notify()
		next, begun := n.next(), time.Now()
		for range 10 {
			time.Sleep(time.Millisecond)
			n.notify()
		}
		if isClosed(next) {
			t.Error("notified before the end of the pause")
		}
		<-next
		if took := time.Since(begun); took != 1000*listenerPause {
			t.Errorf("notified after %v", took)
		}
		last := n.next()
		time.Sleep(time.Second)
		if isClosed(last) {
			t.Error("notified once more than there was something new")
		}
	})
}

func TestThePauseIsTwiceAsLongAsItTakesUntilTheLastOneHears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNotifier(clock.RealClock{})
		for range 1000 {
			defer n.listen()()
		}
		begun := time.Now()
		n.notify()
		for range 3 {
			time.Sleep(10 * time.Millisecond)
			n.heard()
		}
		next := n.next()
		n.notify()
		<-next
		if took := time.Since(begun); took != 60*time.Millisecond {
			t.Errorf("told again after %v", took)
		}
		time.Sleep(10 * longestPause)
		n.heard() // long after
		next, begun = n.next(), time.Now()
		n.notify()
		n.notify()
		<-next
		if took := time.Since(begun); took != 0 {
			t.Errorf("told after %v", took)
		}
	})
}

func TestFewListenersHearOfEveryChangeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNotifier(clock.RealClock{})
		for range shortestPause/listenerPause - 1 {
			defer n.listen()()
		}
		n.listen()() // one that has gone
		for range 10 {
			next := n.next()
			n.notify()
			if !isClosed(next) {
				t.Error("it was not")
			}
		}
	})
}
