// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestEachReasonToWaitIsSaidOnceUntilItIsAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused, unready := &Pending{"a", "refused", "start it"}, &Pending{"a", "not ready", "wait"}
		answers := []error{refused, refused, unready, unready, unready, refused, nil}
		var reported []string
		err := Wait(t.Context(), func(context.Context) error {
			answer := answers[0]
			answers = answers[1:]
			return answer
		}, func(pending *Pending) { reported = append(reported, pending.Error()) })
		want := []string{"a: refused; start it", "a: not ready; wait", "a: refused; start it"}
		if err != nil || !slices.Equal(reported, want) {
			t.Errorf("%v, reported %q, want %q", err, reported, want)
		}
	})
}

func TestTheControlPlaneIsTriedAtLeastEveryTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		var last time.Time
		tries := 0
		err := Wait(ctx, func(context.Context) error {
			if pause := time.Since(last); tries > 0 && (pause > 2*time.Second || pause < 50*time.Millisecond) {
				t.Errorf("a pause of %s", pause)
			}
			last = time.Now()
			tries++
			return &Pending{}
		}, func(*Pending) {})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if tries > 3600 {
			t.Errorf("%d tries in an hour", tries)
		}
	})
}

func TestACheckThatHangsEndsInTimeAndWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		checks := 0
		began := time.Now()
		err := Wait(ctx, func(ctx context.Context) error {
			checks++
			<-ctx.Done()
			return &Pending{}
		}, func(*Pending) {})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute || checks < 8 {
			t.Errorf("%v after %s and %d checks", err, time.Since(began), checks)
		}
	})
}

func TestWhatDoesNotGoByItselfIsNotWaitedFor(t *testing.T) {
	broken := errors.New("broken")
	err := Wait(t.Context(), func(context.Context) error { return broken }, func(pending *Pending) { t.Error(pending) })
	if !errors.Is(err, broken) {
		t.Error(err)
	}
}
