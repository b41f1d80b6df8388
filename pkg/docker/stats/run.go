// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
)

// runner is what one Run of a sampler needs. Only the goroutine of Run uses it.
type runner struct {
	*Sampler
	ctx      context.Context
	calls    sync.WaitGroup
	underWay int             // calls
	changed  <-chan struct{} // closed when the containers have changed since the last look; nil if nobody needs to know
	look     time.Time       // when to look at the containers again; zero if they have not changed
}

// Run takes the samples until ctx ends. It makes no call while nobody asks for samples. Call it once.
func (s *Sampler) Run(ctx context.Context) {
	r := &runner{Sampler: s, ctx: ctx}
	defer close(s.stopped)
	defer r.calls.Wait()
	for {
		timer := r.startDue()
		select {
		case <-ctx.Done():
		case reader := <-s.readers:
			r.lookAtContainers()
			reader <- r.all()
		case made := <-s.outcomes:
			r.take(made)
		case <-r.changed:
			r.changed, r.look = nil, s.clock.Now().Add(followPause)
		case <-timer:
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// startDue starts the calls that are due, and returns a channel that gets a value when there is more to do.
func (r *runner) startDue() <-chan time.Time {
	now := r.clock.Now()
	next, ends := r.interestEnds()
	if ends && !now.Before(next) {
		r.forgetAll()
		return nil
	}
	if !ends {
		next = now.Add(period)
	}
	if !r.look.IsZero() && !now.Before(r.look) {
		r.lookAtContainers()
	}
	if !r.look.IsZero() {
		next = earlier(next, r.look)
	}
	limit, extra := together, time.Duration(0)
	if r.engine.Waits() {
		limit = waitingTogether
		extra = waitForEach * time.Duration(max(0, min(limit, len(r.series))-together))
	}
	for r.underWay < limit {
		one := r.first(now, limit/distrust)
		if one == nil {
			break
		}
		if one.due.After(now) {
			next = earlier(next, one.due)
			break
		}
		r.call(one, now, extra)
	}
	return r.clock.After(next.Sub(now))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// first returns the series that is called for next, or nil if there is none. A container for which the last call has failed may
// block again. It comes after the others, and only few of these calls are made at a time.
func (r *runner) first(now time.Time, few int) (found *series) {
	distrusted := 0
	for _, one := range r.series {
		if one.isAsking && one.err != nil {
			distrusted++
		}
	}
	for _, one := range r.series {
		if one.isAsking || one.err != nil && distrusted >= few {
			continue
		}
		if found == nil || one.comesBefore(found, now) {
			found = one
		}
	}
	return found
}

func (one *series) comesBefore(other *series, now time.Time) bool {
	areDue := !one.due.After(now) && !other.due.After(now)
	if areDue && (one.err == nil) != (other.err == nil) {
		return one.err == nil
	}
	return one.due.Before(other.due)
}

func (r *runner) all() []*series {
	all := make([]*series, 0, len(r.series))
	for _, one := range r.series {
		all = append(all, one)
	}
	return all
}

// call starts a call for a sample. The call ends with the timeout or with Run. The engine may take the extra time besides.
func (r *runner) call(one *series, now time.Time, extra time.Duration) {
	one.isAsking = true
	r.underWay++
	if r.isAwaited(one) {
		one.slow = r.clock.AfterFunc(slow+extra, func() { r.giveUp(one, lateError(slow+extra)) })
	}
	id := one.container.ID
	r.calls.Go(func() {
		sample, err := r.engine.Ask(r.ctx, id, askTimeout+extra)
		select {
		case r.outcomes <- outcome{one, now, sample, err}:
		case <-r.ctx.Done():
		}
	})
}

// take takes in the outcome of a call.
func (r *runner) take(made outcome) {
	r.underWay--
	one, now := made.of, r.clock.Now()
	one.stopWaiting()
	one.isAsking = false
	if r.series[one.container.ID] != one {
		return // the container has ended, or runs again
	}
	older, latest, next := one.after(made, now)
	r.mu.Lock()
	one.older, one.latest, one.err, one.late = older, latest, made.err, nil
	isReady := one.isReady
	r.mu.Unlock()
	one.due = made.began.Add(next)
	if next == period || isReady {
		r.makeReady(one)
	}
}

// after returns the samples that count after a call, and the time from its begin to the next one.
func (one *series) after(made outcome, now time.Time) (older, latest *Sample, next time.Duration) {
	switch {
	case made.err != nil && now.Sub(one.taken) < oldest:
		return one.older, one.latest, period
	case made.err != nil, made.sample == nil:
		return nil, nil, period
	}
	one.taken = now
	if one.latest == nil {
		return nil, made.sample, firstPeriod
	}
	if hasFallen(one.latest, made.sample) {
		return nil, made.sample, firstPeriod
	}
	return one.latest, made.sample, period
}

func (one *series) stopWaiting() {
	if one.slow != nil {
		one.slow.Stop()
		one.slow = nil
	}
}

// lookAtContainers begins a series for each container that runs and has none, and ends those of the others.
func (r *runner) lookAtContainers() {
	r.changed, r.look = r.containers.Changed(), time.Time{} // before Running, so that no change goes unnoticed
	running, now := r.containers.Running(), r.clock.Now()
	var ended []*series
	var dirty []string
	seen := sets.New[string]()
	r.mu.Lock()
	for _, c := range running {
		seen.Insert(c.ID)
		one := r.series[c.ID]
		switch {
		case one == nil, !one.container.Started.Equal(&c.Started):
			if one != nil {
				ended = append(ended, one)
			}
			r.series[c.ID] = &series{container: c, due: now, ready: make(chan struct{})}
		case !one.container.showsAs(c):
			dirty = append(dirty, c.ID)
			one.container = c
		}
	}
	for id, one := range r.series {
		if !seen.Has(id) {
			ended = append(ended, one)
			delete(r.series, id)
		}
	}
	r.mu.Unlock()
	for _, id := range dirty {
		r.MarkDirty(id)
	}
	r.end(ended)
}

// forgetAll ends all series.
func (r *runner) forgetAll() {
	ended := r.all()
	r.mu.Lock()
	clear(r.series)
	r.mu.Unlock()
	r.changed, r.look = nil, time.Time{}
	r.end(ended)
}

// end has the objects of series removed that are no longer among the samples.
func (r *runner) end(ended []*series) {
	for _, one := range ended {
		one.stopWaiting()
		r.makeReady(one)
	}
}
