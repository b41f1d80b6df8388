// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package keylocks

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestOneHolderOfAKeyAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var locks Locks
		unlock, err := locks.Lock(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		other, err := locks.Lock(t.Context(), "b")
		if err != nil {
			t.Fatal("another key waits")
		}
		other()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := locks.Lock(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second lock of the same key: %v", err)
		}
		go func() {
			time.Sleep(time.Minute)
			unlock()
		}()
		next, err := locks.Lock(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		next()
		if len(locks.byKey) != 0 {
			t.Errorf("%d locks are left", len(locks.byKey))
		}
	})
}
