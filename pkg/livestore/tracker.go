// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"
)

const (
	// observers is how many observations run at the same time. Slow ones do not count.
	observers = 8
	// slowAfter is how long an observation may take before it is slow. settle and wait stop waiting for a slow
	// observation, and it gives its slot to another subject, because a source can block on one subject for as long as
	// it likes.
	slowAfter = time.Second
	// retryAfter and retryAtMost bound the pause before a failed observation is repeated. The pause doubles each time.
	retryAfter  = 100 * time.Millisecond
	retryAtMost = 5 * time.Second
)

// errSlow says that an observation is slow and still running.
var errSlow = errors.New("the source is slow to answer")

// mark is one report that a subject may have changed. Marks are numbered in the order of their arrival. If the
// observation of one subject marks another subject, the new mark has the number of the first one. A reader that waits
// for the first mark then waits for the second as well.
type mark struct {
	number uint64
	// comparison is true if only a comparison with the source asked for the observation.
	comparison bool
}

func (m mark) join(other mark) mark {
	return mark{number: min(m.number, other.number), comparison: m.comparison && other.comparison}
}

// pending is a subject that is dirty or is being observed.
type pending struct {
	mark    mark
	again   *mark  // a mark that came after the running observation began
	newest  uint64 // the highest number of the subject's marks
	running bool
	rounds  int    // observations that have begun
	began   uint64 // the newest mark of any subject when the last observation began
	// err is errSlow while an observation is slow. Otherwise it is the error of the last observation. failed is the
	// value of began for the observation that failed.
	err    error
	failed uint64
	retry  chan struct{} // a value cuts the pause after a failure short; has room for one
	// listed is true if a listing found the subject and nothing has marked the subject since that listing began.
	listed bool
}

// oldest returns the lowest number of the marks that no observation has served yet.
func (p *pending) oldest() uint64 {
	if p.again != nil {
		return min(p.mark.number, p.again.number)
	}
	return p.mark.number
}

// failedFor reports whether the failed observation served all marks of the subject up to number.
func (p *pending) failedFor(number uint64) bool { return min(number, p.newest) <= p.failed }

// tracker observes each dirty subject once, however many marks it has. It never runs two observations of one subject at
// the same time. Readers can wait until the subjects that were dirty when they came have been observed. tracker never
// calls observe with its lock held.
type tracker struct {
	// observe reads the subject and applies the result to the view. It returns the subjects that must be observed
	// because of that result.
	observe func(ctx context.Context, subject string, comparison bool) (related []string, err error)
	clock   clock.WithDelayedExecution

	ctx   context.Context
	slots chan struct{}

	mu        sync.Mutex
	marks     uint64
	subjects  map[string]*pending
	meanwhile sets.Set[string] // subjects marked since the call of listing; nil when there is no listing
	changed   chan struct{}    // closed and replaced whenever an observation ends or turns slow
	workers   sync.WaitGroup
	closed    bool
}

// newTracker returns a tracker whose observations end with ctx.
func newTracker(ctx context.Context, clock clock.WithDelayedExecution, observe func(context.Context, string, bool) ([]string, error)) *tracker {
	return &tracker{
		observe:  observe,
		clock:    clock,
		ctx:      ctx,
		slots:    make(chan struct{}, observers),
		subjects: map[string]*pending{},
		changed:  make(chan struct{}),
	}
}

// mark marks the subjects dirty. It returns the number to pass to settle and wait.
func (t *tracker) mark(comparison bool, subjects ...string) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.marks++
	for _, subject := range subjects {
		t.markLocked(subject, mark{number: t.marks, comparison: comparison})
	}
	return t.marks
}

// listing must be called before the source lists its subjects, and markListed after it. There is one listing at a time.
func (t *tracker) listing() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.marks++
	t.meanwhile = sets.New[string]()
	return t.marks
}

// markListed marks the subjects that a listing found. It leaves out those that were marked since the listing began. For
// each of the others the listed objects can serve as its observation, unless the subject is being observed, or
// something marks it before its observation begins.
func (t *tracker) markListed(subjects ...string) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.marks++
	marked := t.meanwhile
	t.meanwhile = nil
	for _, subject := range subjects {
		if marked.Has(subject) {
			continue
		}
		t.markLocked(subject, mark{number: t.marks})
		if p := t.subjects[subject]; p != nil {
			p.listed = !p.running && !marked.Has(allSubjects)
		}
	}
	return t.marks
}

// isListed reports whether the listed objects can serve as the running observation of the subject.
func (t *tracker) isListed(subject string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.subjects[subject].listed
}

func (t *tracker) markLocked(subject string, m mark) {
	if t.closed {
		return
	}
	if t.meanwhile != nil {
		t.meanwhile.Insert(subject)
	}
	p := t.subjects[subject]
	if p == nil {
		p = &pending{mark: m, newest: m.number, retry: make(chan struct{}, 1)}
		t.subjects[subject] = p
		t.workers.Go(func() { t.work(subject, p) })
		return
	}
	p.newest, p.listed = max(p.newest, m.number), false
	switch {
	case !p.running:
		p.mark = p.mark.join(m)
	case p.again == nil:
		p.again = &m
	default:
		joined := p.again.join(m)
		p.again = &joined
	}
	select {
	case p.retry <- struct{}{}:
	default:
	}
}

// work observes one subject until nothing has marked it since its last successful observation began.
func (t *tracker) work(subject string, p *pending) {
	pause := retryAfter
	for t.ctx.Err() == nil {
		m := t.start(p)
		related, err := t.observeBounded(subject, p, m.comparison)
		if done := t.finish(subject, p, m, related, err); done {
			return
		}
		if err == nil {
			pause = retryAfter
			continue
		}
		timer := t.clock.NewTimer(pause)
		select {
		case <-timer.C():
		case <-p.retry:
		case <-t.ctx.Done():
		}
		timer.Stop()
		pause = min(2*pause, retryAtMost)
	}
}

func (t *tracker) start(p *pending) mark {
	select {
	case t.slots <- struct{}{}:
	case <-t.ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-p.retry: // the observation that begins now serves the mark that was sent
	default:
	}
	p.running = true
	p.rounds++
	p.began = t.marks
	return p.mark
}

// observeBounded runs one observation. It gives up its slot when the observation turns slow.
func (t *tracker) observeBounded(subject string, p *pending, comparison bool) ([]string, error) {
	if t.ctx.Err() != nil {
		return nil, t.ctx.Err()
	}
	var release sync.Once
	free := func() { <-t.slots }
	defer release.Do(free)
	round := p.rounds
	timer := t.clock.AfterFunc(slowAfter, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if p.running && p.rounds == round {
			release.Do(free)
			p.err = errSlow
			t.broadcastLocked()
		}
	})
	defer timer.Stop()
	return t.observe(t.ctx, subject, comparison)
}

func (t *tracker) finish(subject string, p *pending, m mark, related []string, err error) (done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		p.running = false
		p.err, p.failed = err, p.began
		if p.again != nil {
			p.mark, p.again = p.mark.join(*p.again), nil
		}
		t.broadcastLocked()
		return t.ctx.Err() != nil
	}
	p.err, p.failed = nil, 0
	for _, other := range related {
		t.markLocked(other, m)
	}
	p.running = false
	if p.again != nil {
		p.mark, p.again = *p.again, nil
		t.broadcastLocked()
		return false
	}
	delete(t.subjects, subject)
	t.broadcastLocked()
	return true
}

// underWay returns the subjects that are being observed, and those whose listed objects are still to be applied.
func (t *tracker) underWay() (subjects []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for subject, p := range t.subjects {
		if p.running || p.listed {
			subjects = append(subjects, subject)
		}
	}
	return subjects
}

func (t *tracker) broadcastLocked() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// settle waits until every subject that was marked up to number has been observed. It does not wait for slow subjects,
// nor for those whose observation has failed.
func (t *tracker) settle(ctx context.Context, number uint64) error {
	return t.waitFor(ctx, func() (bool, error) {
		for _, p := range t.subjects {
			if p.oldest() <= number && !errors.Is(p.err, errSlow) && !p.failedFor(number) {
				return false, nil
			}
		}
		return true, nil
	})
}

// unserved returns the subjects that were marked up to number and are slow or have failed, with the error of each. A
// failed observation must have begun after the mark with the number since.
func (t *tracker) unserved(since, number uint64) map[string]error {
	t.mu.Lock()
	defer t.mu.Unlock()
	unserved := map[string]error{}
	for subject, p := range t.subjects {
		if p.oldest() <= number && (since <= p.failed || errors.Is(p.err, errSlow)) {
			unserved[subject] = p.err
		}
	}
	return unserved
}

// wait waits until the subject, marked up to number, has been observed. It returns errSlow if the subject is slow, and
// the source's error if the observation has failed.
func (t *tracker) wait(ctx context.Context, subject string, number uint64) error {
	return t.waitFor(ctx, func() (bool, error) {
		p := t.subjects[subject]
		if p == nil || p.oldest() > number {
			return true, nil
		}
		return errors.Is(p.err, errSlow) || number <= p.failed, p.err
	})
}

// waitForOutcome is like wait, but also waits for a slow subject, as long as ctx lasts.
func (t *tracker) waitForOutcome(ctx context.Context, subject string, number uint64) error {
	return t.waitFor(ctx, func() (bool, error) {
		p := t.subjects[subject]
		if p == nil || p.oldest() > number {
			return true, nil
		}
		return number <= p.failed && !errors.Is(p.err, errSlow), p.err
	})
}

// waitPatiently is like wait, but waits until an observation of the subject succeeds, as long as ctx lasts.
func (t *tracker) waitPatiently(ctx context.Context, subject string, number uint64) error {
	return t.waitUnless(ctx, func() bool { return false }, subject, number)
}

// waitUnless is like waitPatiently, but also returns once enough returns true. It calls enough at the start and
// whenever an observation has ended or turned slow. The tracker's lock is not held then.
func (t *tracker) waitUnless(ctx context.Context, enough func() bool, subject string, number uint64) error {
	for {
		t.mu.Lock()
		p, changed := t.subjects[subject], t.changed
		over := p == nil || p.oldest() > number
		t.mu.Unlock()
		if over || enough() {
			return nil
		}
		if err := t.waitForChange(ctx, changed); err != nil {
			return err
		}
	}
}

func (t *tracker) waitFor(ctx context.Context, done func() (bool, error)) error {
	for {
		t.mu.Lock()
		ok, err := done()
		changed := t.changed
		t.mu.Unlock()
		if ok {
			return err
		}
		if err := t.waitForChange(ctx, changed); err != nil {
			return err
		}
	}
}

func (t *tracker) waitForChange(ctx context.Context, changed <-chan struct{}) error {
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-t.ctx.Done():
		return t.ctx.Err()
	}
}

// close waits for the observations to end. The tracker's context must be done.
func (t *tracker) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.workers.Wait()
}
