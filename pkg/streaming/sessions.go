// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/clock"
)

const (
	// DefaultLimit is how many sessions run at a time if Config does not say it.
	DefaultLimit = 200
	// DefaultSilence is how long a session may be silent if Config does not say it.
	DefaultSilence = 4 * time.Hour
	// DefaultGrace is how long sessions go on when the server stops if Config does not say it.
	DefaultGrace = 5 * time.Second

	retryAfterSeconds = 5
)

// Config says how many sessions there may be, and for how long. A field that is zero has its default.
type Config struct {
	// Limit is how many sessions run at a time. A client that wants one more is told to come back.
	Limit int
	// Silence ends a session in which neither side has sent anything for so long. Pings do not count.
	Silence time.Duration
	// Grace is how long sessions go on after Shutdown was called.
	Grace time.Duration
	Clock clock.WithTicker
}

// Sessions are the running sessions of a server.
type Sessions struct {
	limit          int
	silence, grace time.Duration
	clock          clock.WithTicker

	mu       sync.Mutex
	running  map[*session]struct{}
	stopping bool
	stopped  chan struct{} // closed when stopping and none runs
}

// New returns Sessions without a session.
func New(config Config) *Sessions {
	s := &Sessions{
		limit:   cmp.Or(config.Limit, DefaultLimit),
		silence: cmp.Or(config.Silence, DefaultSilence),
		grace:   cmp.Or(config.Grace, DefaultGrace),
		clock:   config.Clock,
		running: map[*session]struct{}{},
		stopped: make(chan struct{}),
	}
	if s.clock == nil {
		s.clock = clock.RealClock{}
	}
	return s
}

// Running returns how many sessions run.
func (s *Sessions) Running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.running)
}

// begin returns a new session. Its context has the values of ctx, and ends with ctx. The caller calls end.
func (s *Sessions) begin(ctx context.Context, kind string) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return nil, errStopping()
	}
	if len(s.running) >= s.limit {
		return nil, apierrors.NewTooManyRequests(fmt.Sprintf(
			"%d sessions run already, which is as many as this server allows: end one of them, or try again later", s.limit),
			retryAfterSeconds)
	}
	session := &session{sessions: s, kind: kind, finished: make(chan struct{})}
	session.ctx, session.cancel = context.WithCancelCause(ctx)
	session.touch()
	s.running[session] = struct{}{}
	running.WithLabelValues(kind).Inc()
	return session, nil
}

// Begin begins a session whose connection the caller serves by itself, such as a log. The caller calls End.
func (s *Sessions) Begin(ctx context.Context, kind string) (*Served, error) {
	session, err := s.begin(ctx, kind)
	if err != nil {
		return nil, err
	}
	session.goroutines.Go(session.awaitSilence)
	return &Served{session: session}, nil
}

// Served is a session whose connection somebody else serves.
type Served struct {
	session *session
	once    sync.Once
}

// Context returns the context of the session. It ends with the context that Begin was given, and with a cause for the client
// when the server stops or the session has been silent for too long.
func (s *Served) Context() context.Context { return s.session.ctx }

// Touch notes that something was sent.
func (s *Served) Touch() { s.session.touch() }

// End ends the session. Its client must have been served.
func (s *Served) End() { s.once.Do(s.session.end) }

func (s *Sessions) remove(session *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, session)
	running.WithLabelValues(session.kind).Dec()
	if s.stopping && len(s.running) == 0 {
		close(s.stopped)
	}
}

// Shutdown lets no new session begin, gives the running ones the grace of the Config, ends those that are left, and
// waits for them. Their clients are told that the server stops. Shutdown returns an error if ctx ends before them.
func (s *Sessions) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.stopping {
		s.stopping = true
		if len(s.running) == 0 {
			close(s.stopped)
		}
	}
	s.mu.Unlock()

	grace := s.clock.NewTimer(s.grace)
	defer grace.Stop()
	select {
	case <-s.stopped:
		return nil
	case <-grace.C():
	case <-ctx.Done():
	}
	s.mu.Lock()
	for session := range s.running {
		session.cancel(errStopping())
	}
	s.mu.Unlock()
	select {
	case <-s.stopped:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for %d sessions to end: %w", s.Running(), ctx.Err())
	}
}
