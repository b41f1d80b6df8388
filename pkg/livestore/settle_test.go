// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSettleDoesNotWaitForAFailingSubject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserved(t)
		o.fails = func(string) error { return errors.New("not now") }
		o.mark(false, "x")
		synctest.Wait()
		if err := o.settle(t.Context(), o.mark(false)); err != nil || o.elapsed() != 0 {
			t.Errorf("settle returned %v after %v", err, o.elapsed())
		}
	})
}

// settling runs settle in a goroutine. The result tells whether settle has returned.
func (o *observed) settling(t *testing.T, number uint64) *atomic.Bool {
	var done atomic.Bool
	go func() {
		if err := o.settle(context.Background(), number); err != nil && o.ctx.Err() == nil {
			t.Error(err)
		}
		done.Store(true)
	}()
	return &done
}

func TestSettleWaitsForWhatWasDirtyAndNotForLaterMarks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserved(t)
		o.blocks("before", "after")
		o.mark(false, "before")
		done := o.settling(t, o.mark(false))
		o.mark(false, "after")
		synctest.Wait()
		if done.Load() {
			t.Error("settle returned before the dirty subject had been observed")
		}
		close(o.block["before"])
		synctest.Wait()
		if !done.Load() {
			t.Error("settle waits for a subject that became dirty later")
		}
	})
}

func TestSettleWaitsForSubjectsThatBecameDirtyOnAccountOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserved(t)
		o.related["first"], o.related["second"] = []string{"second"}, []string{"third"}
		o.blocks("third")
		done := o.settling(t, o.mark(false, "first"))
		synctest.Wait()
		if done.Load() {
			t.Error("settle returned before the last of the chain had been observed")
		}
		close(o.block["third"])
		synctest.Wait()
		if !done.Load() {
			t.Error("settle did not return")
		}
	})
}

func TestSettleWaitsForTheRepetitionOfARelatedSubjectThatALaterMarkHasObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserved(t)
		o.related["first"] = []string{"second"}
		o.blocks("first", "second")
		done := o.settling(t, o.mark(false, "first"))
		o.mark(false, "second")
		synctest.Wait()
		close(o.block["first"])
		synctest.Wait()
		if done.Load() {
			t.Errorf("settle returned after %d observations of the related subject had begun", len(o.of("second")))
		}
		close(o.block["second"])
		synctest.Wait()
		if !done.Load() || len(o.of("second")) != 2 {
			t.Errorf("the related subject was observed %d times", len(o.of("second")))
		}
	})
}

func TestSettleWaitsForASubjectThatHasToBeObservedAgainOnItsOwnAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserved(t)
		var rounds atomic.Int64
		second := make(chan struct{})
		o.fails = func(string) error {
			if rounds.Add(1) == 2 {
				<-second
			}
			return nil
		}
		o.related["x"] = []string{"x"}
		o.blocks("x")
		done := o.settling(t, o.mark(false, "x"))
		synctest.Wait()
		o.mark(false, "x")
		close(o.block["x"])
		synctest.Wait()
		if done.Load() {
			t.Error("settle returned before the subject had been observed again")
		}
		close(second)
		o.stop()
	})
}

func TestAWaiterLeavesWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserved(t)
		o.blocks("x")
		ctx, cancel := context.WithTimeout(t.Context(), slowAfter/2)
		defer cancel()
		if err := o.wait(ctx, "x", o.mark(false, "x")); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestSettleWaitsForTheRepetitionThatALaterMarkAsksFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserved(t)
		var fails atomic.Bool
		fails.Store(true)
		o.fails = func(string) error {
			if fails.Load() {
				return errors.New("not now")
			}
			return nil
		}
		o.mark(false, "x")
		synctest.Wait()
		fails.Store(false)
		o.blocks("x")
		done := o.settling(t, o.mark(false, "x"))
		synctest.Wait()
		if done.Load() {
			t.Error("settle returned before the subject had been observed again")
		}
		close(o.block["x"])
		synctest.Wait()
		if !done.Load() {
			t.Error("settle did not return")
		}
	})
}

func TestMarksThatGoOnDoNotHaveSettleWaitForASubjectThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserved(t)
		o.fails = func(string) error {
			o.mark(false, "x")
			<-time.After(slowAfter / 10)
			return errors.New("not now")
		}
		o.mark(false, "x")
		<-time.After(slowAfter)
		began := o.elapsed()
		if err := o.settle(t.Context(), o.mark(false)); err != nil || o.elapsed()-began > slowAfter/5 {
			t.Errorf("settle returned %v after %v", err, o.elapsed()-began)
		}
	})
}
