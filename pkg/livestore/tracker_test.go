// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"
)

type observation struct {
	subject    string
	at         time.Duration
	comparison bool
}

// observed is a tracker that records its observations.
type observed struct {
	*tracker
	stop context.CancelFunc
	// block makes the observation of a subject wait until its channel is closed.
	block map[string]chan struct{}
	// related maps a subject to the related subjects that its observation returns.
	related map[string][]string
	// fails returns the error that the observation of a subject returns.
	fails func(subject string) error

	began time.Time
	mu    sync.Mutex
	log   []observation
}

func newObserved(t *testing.T) *observed {
	o := &observed{block: map[string]chan struct{}{}, related: map[string][]string{}, began: time.Now()}
	ctx, stop := context.WithCancel(context.Background())
	o.stop = stop
	o.tracker = newTracker(ctx, clock.RealClock{}, func(ctx context.Context, subject string, comparison bool) ([]string, error) {
		o.mu.Lock()
		o.log = append(o.log, observation{subject, o.elapsed(), comparison})
		o.mu.Unlock()
		if blocked := o.block[subject]; blocked != nil {
			select {
			case <-blocked:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		if o.fails != nil {
			if err := o.fails(subject); err != nil {
				return nil, err
			}
		}
		return o.related[subject], nil
	})
	t.Cleanup(func() { stop(); o.close() })
	return o
}

func (o *observed) elapsed() time.Duration { return time.Since(o.began) }

// of returns when the observations of the subject began.
func (o *observed) of(subject string) (times []time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, each := range o.log {
		if each.subject == subject {
			times = append(times, each.at)
		}
	}
	return times
}

func (o *observed) blocks(subjects ...string) {
	for _, subject := range subjects {
		o.block[subject] = make(chan struct{})
	}
}

func numbered(n int) (subjects []string) {
	for i := range n {
		subjects = append(subjects, fmt.Sprintf("blocked-%02d", i))
	}
	return subjects
}

func TestASubjectMarkedManyTimesIsObservedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserved(t)
		o.blocks(numbered(observers)...)
		o.mark(false, numbered(observers)...)
		synctest.Wait()
		for range 100 {
			o.mark(false, "x")
		}
		for _, blocked := range o.block {
			close(blocked)
		}
		synctest.Wait()
		if n := len(o.of("x")); n != 1 {
			t.Errorf("observed %d times", n)
		}
	})
}

func TestWhatWillBeObservedAsItWasListedIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserved(t)
		o.blocks(numbered(observers)...)
		o.mark(false, numbered(observers)...)
		synctest.Wait()
		o.listing()
		o.markListed("listed", "marked")
		o.mark(false, "marked")
		if found := o.underWay(); !slices.Contains(found, "listed") || slices.Contains(found, "marked") {
			t.Errorf("%q are being observed", found)
		}
	})
}

func TestASubjectMarkedDuringItsObservationIsObservedOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserved(t)
		o.blocks("x")
		o.mark(false, "x")
		synctest.Wait()
		for range 100 {
			o.mark(false, "x")
		}
		close(o.block["x"])
		synctest.Wait()
		if n := len(o.of("x")); n != 2 {
			t.Errorf("observed %d times", n)
		}
	})
}

func TestNeitherMoreSubjectsThanObserversAreObservedAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserved(t)
		o.blocks(numbered(3 * observers)...)
		o.mark(false, numbered(3*observers)...)
		synctest.Wait()
		if n := len(o.log); n != observers {
			t.Errorf("%d subjects are observed at a time", n)
		}
	})
}

func TestObservationsOfOneSubjectNeverOverlapAndTheLastOneSeesTheLastChange(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const subjects = 12
				var state, seen, running [subjects]atomic.Int64
				var mu sync.Mutex
				random := rand.New(rand.NewPCG(seed, seed))
				below := func(n int) int { mu.Lock(); defer mu.Unlock(); return random.IntN(n) }
				ctx, stop := context.WithCancel(t.Context())
				tracker := newTracker(ctx, clock.RealClock{}, func(_ context.Context, subject string, _ bool) ([]string, error) {
					var i int
					if _, err := fmt.Sscan(subject, &i); err != nil {
						return nil, err
					}
					if running[i].Add(1) != 1 {
						t.Errorf("observations of %s overlap", subject)
					}
					defer running[i].Add(-1)
					now := state[i].Load()
					<-time.After(time.Duration(below(1500)) * time.Millisecond)
					if below(4) == 0 {
						return nil, errors.New("not now")
					}
					seen[i].Store(now)
					if below(4) == 0 {
						return []string{fmt.Sprint(below(subjects))}, nil
					}
					return nil, nil
				})
				var markers sync.WaitGroup
				for range 4 {
					markers.Go(func() {
						for range 200 {
							i := below(subjects)
							state[i].Add(1)
							tracker.mark(false, fmt.Sprint(i))
							<-time.After(time.Duration(below(300)) * time.Millisecond)
						}
					})
				}
				markers.Wait()
				number := tracker.mark(false)
				for i := range subjects {
					if err := tracker.waitPatiently(t.Context(), fmt.Sprint(i), number); err != nil {
						t.Error(err)
					}
					if state[i].Load() != seen[i].Load() {
						t.Errorf("subject %d is at %d, last observed at %d", i, state[i].Load(), seen[i].Load())
					}
				}
				stop()
				tracker.close()
			})
		})
	}
}

func TestABlockedSubjectHoldsUpNoOther(t *testing.T) {
	for blocked, want := range map[int]time.Duration{
		observers - 1: 0,
		observers:     slowAfter,
		2 * observers: 2 * slowAfter,
	} {
		t.Run(fmt.Sprint(blocked, " blocked"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newObserved(t)
				o.blocks(numbered(blocked)...)
				o.mark(false, numbered(blocked)...)
				synctest.Wait()
				number := o.mark(false, "free")
				if err := o.waitPatiently(t.Context(), "free", number); err != nil {
					t.Error(err)
				}
				if got := o.of("free"); len(got) != 1 || got[0] > want {
					t.Errorf("observed at %v, not within %v", got, want)
				}
			})
		})
	}
}

func TestReadersStopWaitingForABlockedSubjectAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserved(t)
		o.blocks("x")
		number := o.mark(false, "x")
		if err := o.wait(t.Context(), "x", number); !errors.Is(err, errSlow) || o.elapsed() != slowAfter {
			t.Errorf("wait returned %v after %v", err, o.elapsed())
		}
		if err := o.settle(t.Context(), number); err != nil || o.elapsed() != slowAfter {
			t.Errorf("settle returned %v after %v", err, o.elapsed())
		}
		later := o.mark(false, "x")
		if err := o.wait(t.Context(), "x", later); !errors.Is(err, errSlow) || o.elapsed() != slowAfter {
			t.Errorf("a later wait returned %v after %v", err, o.elapsed())
		}
		close(o.block["x"])
		if err := o.waitPatiently(t.Context(), "x", later); err != nil || len(o.of("x")) != 2 {
			t.Errorf("the waiter without a deadline got %v after %d observations", err, len(o.of("x")))
		}
	})
}

func TestAnObservationThatAnythingButAComparisonAskedForIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserved(t)
		o.blocks(numbered(observers)...)
		o.mark(false, numbered(observers)...)
		synctest.Wait()
		o.mark(true, "compared")
		o.mark(true, "reported")
		o.mark(false, "reported")
		for _, blocked := range o.block {
			close(blocked)
		}
		synctest.Wait()
		for _, each := range o.log[observers:] {
			if each.comparison != (each.subject == "compared") {
				t.Errorf("%s was observed as a comparison: %v", each.subject, each.comparison)
			}
		}
	})
}

func TestStoppingTheTrackerEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails if a goroutine is still running
		o := newObserved(t)
		o.fails = func(subject string) error {
			if subject == "failing" {
				return errors.New("not now")
			}
			return nil
		}
		o.blocks(numbered(3 * observers)...)
		o.mark(false, numbered(3*observers)...)
		o.mark(false, "failing")
		errs := make(chan error, 2)
		go func() { errs <- o.waitPatiently(context.Background(), "failing", 99) }()
		go func() { errs <- o.settle(context.Background(), 99) }()
		synctest.Wait()
		o.stop()
		o.close()
		for range 2 {
			if err := <-errs; err == nil {
				t.Error("a waiter got no error from a stopped tracker")
			}
		}
		before := len(o.log)
		o.mark(false, "late")
		synctest.Wait()
		if len(o.log) != before {
			t.Error("a stopped tracker observes")
		}
	})
}
