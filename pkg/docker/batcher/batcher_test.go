// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package batcher

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
		b := New(func() (int64, error) {
			run := runs.Add(1)
			time.Sleep(time.Second)
			return run, nil
		})
		var group sync.WaitGroup
		ask := func(want int64) {
			group.Go(func() {
				if got, err := b.Do(t.Context()); got != want || err != nil {
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
		b := New(func() (struct{}, error) {
			time.Sleep(time.Hour)
			return struct{}{}, boom
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.Do(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller with a timeout got %v", err)
		}
		if _, err := b.Do(t.Context()); !errors.Is(err, boom) {
			t.Errorf("the caller without a timeout got %v", err)
		}
	})
}
