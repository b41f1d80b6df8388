// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestAFailedObservationIsRepeatedWithAPauseThatDoublesUpToALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserved(t)
		left := 9
		o.fails = func(string) error {
			if left--; left >= 0 {
				return errors.New("not now")
			}
			return nil
		}
		number := o.mark(false, "x")
		if err := o.waitPatiently(t.Context(), "x", number); err != nil {
			t.Fatal(err)
		}
		var pauses []time.Duration
		times := o.of("x")
		for i := range times[1:] {
			pauses = append(pauses, (times[i+1]-times[i])/time.Millisecond)
		}
		if want := []time.Duration{100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000}; !slices.Equal(pauses, want) {
			t.Errorf("the pauses are %d ms, not %d", pauses, want)
		}
	})
}

func TestANewMarkCutsThePauseShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserved(t)
		o.fails = func(string) error { return errors.New("not now") }
		o.mark(false, "x")
		<-time.After(20 * time.Second)
		before, at := len(o.of("x")), o.elapsed()
		o.mark(false, "x")
		synctest.Wait()
		if times := o.of("x"); len(times) != before+1 || times[before] != at {
			t.Errorf("marked at %v, observed at %v", at, times[before:])
		}
	})
}

func TestAMarkBeforeTheObservationDoesNotCutThePauseShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserved(t)
		o.fails = func(subject string) error {
			if subject == "x" {
				return errors.New("not now")
			}
			return nil
		}
		o.blocks(numbered(observers)...)
		o.mark(false, numbered(observers)...)
		synctest.Wait()
		o.mark(false, "x")
		o.mark(false, "x")
		for _, blocked := range o.block {
			close(blocked)
		}
		synctest.Wait()
		if n := len(o.of("x")); n != 1 {
			t.Errorf("observed %d times before the pause was over", n)
		}
	})
}

func TestAReaderDoesNotGetTheErrorOfAnObservationThatWasOverWhenItCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserved(t)
		broken := errors.New("not now")
		var fails atomic.Bool
		fails.Store(true)
		o.fails = func(string) error {
			if fails.Load() {
				return broken
			}
			return nil
		}
		if err := o.wait(t.Context(), "x", o.mark(false, "x")); !errors.Is(err, broken) {
			t.Errorf("the first reader got %v", err)
		}
		if err := o.wait(t.Context(), "x", o.mark(false, "x")); !errors.Is(err, broken) {
			t.Errorf("the second reader got %v", err)
		}
		fails.Store(false)
		if err := o.wait(t.Context(), "x", o.mark(false, "x")); err != nil {
			t.Errorf("the source had recovered, and the reader got %v", err)
		}
		if o.elapsed() != 0 {
			t.Errorf("readers waited %v", o.elapsed())
		}
	})
}
