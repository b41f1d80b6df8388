// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestABatchIsSharedOnlyByThoseWhoCameBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		b := &batcher[int64]{run: func() (int64, error) {
			run := runs.Add(1)
			time.Sleep(time.Second)
			return run, nil
		}}
		var group sync.WaitGroup
		ask := func(want int64) {
			group.Go(func() {
				if got, err := b.do(t.Context()); got != want || err != nil {
					t.Errorf("run %d, %v; want %d", got, err, want)
				}
			})
		}
		ask(1)
		synctest.Wait()
		for range 100 {
			ask(2)
		}
		synctest.Wait()
		time.Sleep(1500 * time.Millisecond)
		ask(3)
		group.Wait()
		if runs.Load() != 3 {
			t.Errorf("%d runs", runs.Load())
		}
	})
}

func TestACallerMayLeaveItsBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boom := errors.New("boom")
		b := &batcher[struct{}]{run: func() (struct{}, error) {
			time.Sleep(time.Hour)
			return struct{}{}, boom
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.do(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller with a timeout got %v", err)
		}
		if _, err := b.do(t.Context()); !errors.Is(err, boom) {
			t.Errorf("the caller without a timeout got %v", err)
		}
	})
}

func TestOneHolderOfAKeyAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var locks keyLocks
		unlock, err := locks.lock(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		other, err := locks.lock(t.Context(), "b")
		if err != nil {
			t.Fatal("another key waits")
		}
		other()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := locks.lock(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second lock of the same key: %v", err)
		}
		go func() {
			time.Sleep(time.Minute)
			unlock()
		}()
		next, err := locks.lock(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		next()
		if len(locks.byKey) != 0 {
			t.Errorf("%d locks are left", len(locks.byKey))
		}
	})
}
