// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package stats samples what the containers of an engine use, and is the source of their metrics. It asks the engine only while
// somebody asks for metrics.
package stats

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

const (
	// period is the time between two samples of a container.
	period = 15 * time.Second
	// firstPeriod is the time between the first two samples of a container, so that there is a rate soon.
	firstPeriod = 500 * time.Millisecond
	// interest is how long the samples go on after somebody has asked for them.
	interest = time.Minute
	// askTimeout is how long the engine may take for one sample.
	askTimeout = 2 * time.Second
	// slow is how long readers wait for one sample. After it, they go without.
	slow = 1500 * time.Millisecond
	// readyTimeout is how long readers wait for all samples. It is less than the time that Prometheus gives a scrape.
	readyTimeout = 8 * time.Second
	// together is how many samples are asked for at the same time.
	together = 8
	// waitingTogether is the same for an engine that lets each of them wait for its own next sample. Such an engine samples all
	// containers that somebody waits for, one after another, and then pauses for a second.
	waitingTogether = 512
	// waitForEach is how much longer such an engine may take for each of these containers beyond the first few.
	waitForEach = 10 * time.Millisecond
	// distrust is the part of them, one in so many, that may be for containers for which the last call has failed.
	distrust = 4
	// oldest is the age at which a sample is no longer shown.
	oldest = time.Minute
	// followPause is the least time between two looks at which containers run.
	followPause = 100 * time.Millisecond
)

// Resource is the name of the metrics of containers in the API.
const Resource = "containermetrics"

// Containers says which containers run.
type Containers interface {
	// Refresh returns when Running shows every change that was complete before the call.
	Refresh(ctx context.Context) error
	// Running returns the containers that run, as far as is known without asking the engine.
	Running() []Container
	// Changed returns a channel that is closed at the next change of a container.
	Changed() <-chan struct{}
}

// Engine tells what containers use.
type Engine interface {
	// Ask asks for a sample of the container with an ID. It returns nil if the container does not run, and a lateError if the
	// engine does not answer within the timeout.
	Ask(ctx context.Context, id string, timeout time.Duration) (*Sample, error)
	// Waits reports whether the engine lets each call wait for its next sample.
	Waits() bool
}

// lateError is the error for a call that the engine did not answer within that time.
type lateError time.Duration

// Error implements error.
func (e lateError) Error() string { return fmt.Sprintf("no answer within %s", time.Duration(e)) }

// Sampler samples the containers that run. It is a livestore.Source of their metrics. A subject is the ID of a container. The
// lock of the sampler is never held during a call of anything else.
type Sampler struct {
	source.Base
	engine     Engine
	containers Containers
	clock      clock.WithDelayedExecution

	readers  chan chan<- []*series // of those who wait for Run
	outcomes chan outcome
	stopped  chan struct{}

	mu       sync.Mutex
	until    time.Time // when the interest of the readers ends
	watchers int
	series   map[string]*series // by subject; only Run writes it
}

// series are the samples of one run of a container.
type series struct {
	// ready is closed once the first two samples have been taken, or cannot be had soon.
	ready chan struct{}

	// Sampler.mu guards these. Only Run writes the first three lines.
	container     Container
	older, latest *Sample // the samples themselves are never changed
	err           error   // of the last call
	late          error   // set while a call takes so long that readers go on without it
	isReady       bool

	// Only Run uses these.
	due, taken time.Time // of the next sample, and of the latest one
	isAsking   bool
	slow       clock.Timer // ends the wait for ready; nil if there is no call to wait for
}

// problem returns why there is no sample, as far as that is known.
func (one *series) problem() error {
	if one.late != nil {
		return one.late
	}
	return one.err
}

// isShown reports whether the samples show as an object.
func (one *series) isShown() bool { return one.isReady && one.latest != nil }

// outcome is what a call for a sample has brought.
type outcome struct {
	of     *series
	began  time.Time
	sample *Sample
	err    error
}

// New returns a sampler. Call SetSink before Run.
func New(engine Engine, containers Containers, clock clock.WithDelayedExecution) *Sampler {
	return &Sampler{
		Base:       source.NewBase(source.Engine{}, v1alpha1.Resource(Resource)),
		engine:     engine,
		containers: containers,
		clock:      clock,
		readers:    make(chan chan<- []*series),
		outcomes:   make(chan outcome),
		stopped:    make(chan struct{}),
		series:     map[string]*series{},
	}
}

// Hold has the samples go on until release is called.
func (s *Sampler) Hold() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.watchers--
		s.extendLocked()
	})
}

// extendLocked has the samples go on for a while.
func (s *Sampler) extendLocked() { s.until = s.clock.Now().Add(interest) }

// interestEnds returns when the samples end if nobody asks again. It returns false if somebody watches them.
func (s *Sampler) interestEnds() (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.until, s.watchers == 0
}

// isAwaited reports whether somebody may be waiting for the first samples of a series.
func (s *Sampler) isAwaited(one *series) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !one.isReady
}

// makeReady has the object of a series shown. Nobody waits for it any longer.
func (s *Sampler) makeReady(one *series) {
	s.mu.Lock()
	isNew := !one.isReady
	one.isReady = true
	id := one.container.ID
	s.mu.Unlock()
	s.MarkDirty(id) // before ready is closed: whoever waits for it then sees the object
	if isNew {
		close(one.ready)
	}
}

// giveUp has readers go on without a series for which a call takes too long.
func (s *Sampler) giveUp(one *series, late error) {
	s.mu.Lock()
	if one.latest == nil {
		one.late = late
	}
	s.mu.Unlock()
	s.makeReady(one)
}
