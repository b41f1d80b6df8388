// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package requests is the source of objects that ask for long work, such as the pull of an image. The objects live in
// memory only. The package runs the work, shows how far it has come, and forgets the objects some time after their end.
// It does not know how the work is done: a Job says that.
package requests

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	// DefaultMaxRunning is how many jobs run at a time if Config does not say it.
	DefaultMaxRunning = 16
	// DefaultMaxKept is the default of Config.MaxKept.
	DefaultMaxKept = 1000

	// updatePeriod is the least time between two updates of a running request. The update at its end waits for nothing,
	// so that no second has more than two.
	updatePeriod = time.Second
	// retryAfter is when a client that was refused for the number of requests should ask again, in seconds.
	retryAfter = 5
)

// Job is the work that a request asks for.
type Job struct {
	// Done is the result if there is nothing to do.
	Done *Result
	// Key says what the work is. Requests whose jobs have the same key at the same time share one run.
	Key string
	// Run does the work until ctx ends. The request fails if it returns an error. The error may be a Failure.
	Run func(ctx context.Context, report *Report) (Result, error)
	// Deadline is how long the work may take. 0 means as long as it likes.
	Deadline time.Duration
	// TimeToLive is how long the request is kept after its end.
	TimeToLive time.Duration
}

// Result is what a job has done.
type Result struct {
	Image, ImageID, Digest, Message string
}

// Failure is an error of a job that has the reason for the condition Failed.
type Failure interface {
	error
	FailureReason() string
}

// failure is a Failure that does not come from a job.
type failure struct {
	reason string
	error
}

// FailureReason implements Failure.
func (f failure) FailureReason() string { return f.reason }

// Sink receives the reports of a Source about changes.
type Sink interface {
	// MarkDirty has the subject observed soon.
	MarkDirty(subject string)
}

// Config configures a Source.
type Config struct {
	Resource schema.GroupResource
	// Status returns the status of an object.
	Status func(runtime.Object) *v1alpha1.ImageRequestStatus
	// Plan returns the job for a new object. Its errors are API errors, and no request is made then. ctx is that of the
	// request that creates the object.
	Plan func(ctx context.Context, object runtime.Object) (Job, error)
	// Clock drives all timers. If it is nil, the source uses the real clock.
	Clock clock.WithDelayedExecution
	// Slots bound how many jobs run at a time. If they are nil, the source has DefaultMaxRunning for itself.
	Slots Slots
	// MaxKept is how many requests there are. The oldest one that has finished makes room for a new one. 0 means
	// DefaultMaxKept.
	MaxKept int
}

// Source is the source of one kind of requests. It has the methods of livestore.Source. A subject is the uid of a
// request. Its lock is never held during a call of a job or of the sink.
type Source struct {
	config Config
	sink   Sink
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu       sync.Mutex
	requests map[string]*request // by subject
	subjects map[string]string   // by key
	runs     map[string]*run     // by the key of the job; the runs that a request may join
	finished []*request          // in the order of their ends
}

// request is an object and its place in a run.
type request struct {
	key, subject string
	job          Job
	record       *record

	// Source.mu guards the fields below.
	object    runtime.Object // as it is shown; replaced, never changed
	run       *run           // nil once the request has finished
	updatedAt time.Time
	update    clock.Timer // brings the next update; nil if none waits
	deadline  clock.Timer
	expiry    clock.Timer
	ended     chan struct{} // closed when the request has finished or is gone
	endError  error         // why the request ended before its run did
}

// New returns a source. Call SetSink before its first use, and Stop to end its jobs.
func New(config Config) *Source {
	if config.Clock == nil {
		config.Clock = clock.RealClock{}
	}
	if config.Slots == nil {
		config.Slots = NewSlots(DefaultMaxRunning)
	}
	if config.MaxKept == 0 {
		config.MaxKept = DefaultMaxKept
	}
	s := &Source{config: config, requests: map[string]*request{}, subjects: map[string]string{}, runs: map[string]*run{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// SetSink sets the sink that hears of changes.
func (s *Source) SetSink(sink Sink) { s.sink = sink }

// Stop cancels all jobs and waits for their end. It then accepts no more requests.
func (s *Source) Stop() {
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	s.work.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		r.stopTimers()
	}
}

// Subjects implements livestore.Source.
func (s *Source) Subjects(context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	subjects := make([]string, 0, len(s.requests))
	for subject := range s.requests {
		subjects = append(subjects, subject)
	}
	return subjects, nil
}

// Observe implements livestore.Source.
func (s *Source) Observe(_ context.Context, subject string) (map[string]runtime.Object, []string, error) {
	s.mu.Lock()
	r := s.requests[subject]
	if r == nil {
		s.mu.Unlock()
		return nil, nil, nil
	}
	object := r.object
	s.mu.Unlock()
	return map[string]runtime.Object{r.key: object.DeepCopyObject()}, nil, nil
}

// Lookup implements livestore.Source.
func (s *Source) Lookup(_ context.Context, key string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.subjects[key], nil
}

// Fence implements livestore.Source. Every change is reported before the call that made it returns.
func (s *Source) Fence(context.Context) error { return nil }

// Create implements livestore.Source. The job goes on when ctx ends.
func (s *Source) Create(ctx context.Context, key string, object runtime.Object) (string, error) {
	job, err := s.config.Plan(ctx, object)
	if err != nil {
		return "", err
	}
	accessor, err := meta.Accessor(object)
	if err != nil {
		return "", apierrors.NewInternalError(err)
	}
	r := &request{key: key, subject: string(accessor.GetUID()), job: job, object: object.DeepCopyObject(), ended: make(chan struct{})}
	removed, err := s.add(r, accessor.GetName())
	if err != nil {
		return "", err
	}
	for _, subject := range append(removed, r.subject) {
		s.sink.MarkDirty(subject)
	}
	return r.subject, nil
}

// add takes in a request and starts its job. It returns the subjects that made room for it.
func (s *Source) add(r *request, name string) (removed []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return nil, apierrors.NewServiceUnavailable("the server is shutting down")
	}
	if s.subjects[r.key] != "" {
		return nil, apierrors.NewAlreadyExists(s.config.Resource, name)
	}
	shared := s.runs[r.job.Key]
	isFull := len(s.requests) >= s.config.MaxKept
	if isFull && len(s.finished) == 0 {
		return nil, apierrors.NewTooManyRequests(fmt.Sprintf("there are %d %s, and none of them has finished: try again when one has", len(s.requests), s.config.Resource.Resource), retryAfter)
	}
	if r.job.Done == nil && shared == nil && !s.config.Slots.take() {
		return nil, apierrors.NewTooManyRequests(fmt.Sprintf("%d requests run already: try again when one of them has finished", cap(s.config.Slots)), retryAfter)
	}
	if isFull {
		oldest := s.finished[0]
		s.removeLocked(oldest)
		removed = append(removed, oldest.subject)
	}
	s.requests[r.subject], s.subjects[r.key] = r, r.subject
	status := s.config.Status(r.object)
	*status = v1alpha1.ImageRequestStatus{StartTime: s.now()}
	if r.job.Done != nil {
		r.record = newRecord()
		r.record.close()
		s.finishLocked(r, *r.job.Done, nil)
		return removed, nil
	}
	if shared == nil {
		shared = s.startLocked(r.job)
	}
	shared.members[r] = true
	r.run, r.record = shared, shared.record
	shared.show(status)
	if r.job.Deadline > 0 {
		r.deadline = s.config.Clock.AfterFunc(r.job.Deadline, func() { s.expire(r) })
	}
	return removed, nil
}

// Update implements livestore.Source. A request cannot be changed.
func (s *Source) Update(context.Context, string, runtime.Object, runtime.Object) error {
	return apierrors.NewMethodNotSupported(s.config.Resource, "update")
}

// Delete implements livestore.Source. It cancels the job, unless other requests share it.
func (s *Source) Delete(_ context.Context, subject string, object runtime.Object) error {
	s.mu.Lock()
	r := s.requests[subject]
	if r == nil {
		s.mu.Unlock()
		accessor, err := meta.Accessor(object)
		if err != nil {
			return apierrors.NewInternalError(err)
		}
		return apierrors.NewNotFound(s.config.Resource, accessor.GetName())
	}
	s.removeLocked(r)
	s.mu.Unlock()
	s.sink.MarkDirty(subject)
	return nil
}

// removeLocked forgets a request. The caller then marks it dirty.
func (s *Source) removeLocked(r *request) {
	r.stopTimers()
	delete(s.requests, r.subject)
	delete(s.subjects, r.key)
	if r.run != nil {
		s.leaveLocked(r)
		r.end(errDeleted)
		return
	}
	s.finished = slices.DeleteFunc(s.finished, func(other *request) bool { return other == r })
}

// end tells those who follow the log that the request has ended. err says why it ended before its run did.
func (r *request) end(err error) {
	r.endError = err
	close(r.ended)
}

func (r *request) stopTimers() {
	for _, timer := range []clock.Timer{r.update, r.deadline, r.expiry} {
		if timer != nil {
			timer.Stop()
		}
	}
}

// now returns the time in whole seconds, because the API carries no fractions.
func (s *Source) now() *metav1.Time {
	return &metav1.Time{Time: s.config.Clock.Now().UTC().Truncate(time.Second)}
}

// Request returns the request with that subject as it is shown now, and a channel that is closed when the request has
// finished or is gone. The object is nil if there is no such request. It must not be changed.
func (s *Source) Request(subject string) (object runtime.Object, ended <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests[subject]
	if r == nil {
		return nil, nil
	}
	object = r.object
	if r.run != nil {
		object = object.DeepCopyObject()
		r.run.show(s.config.Status(object))
	}
	return object, r.ended
}
