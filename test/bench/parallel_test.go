// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"sync"
	"sync/atomic"
	"testing"
)

// width is the number of calls that are made at once.
const width = 8

// eachOf makes n calls, width calls at once.
func eachOf(tb testing.TB, n int, call func(i int) error) {
	tb.Helper()
	eachOfAtOnce(tb, width, n, call)
}

// eachOfAtOnce makes n calls, so many at once.
func eachOfAtOnce(tb testing.TB, atOnce, n int, call func(i int) error) {
	tb.Helper()
	var next atomic.Int64
	var group sync.WaitGroup
	for range atOnce {
		group.Go(func() {
			for i := int(next.Add(1) - 1); i < n && !tb.Failed(); i = int(next.Add(1) - 1) {
				if err := call(i); err != nil {
					tb.Error(err)
				}
			}
		})
	}
	group.Wait()
	if tb.Failed() {
		tb.FailNow()
	}
}
