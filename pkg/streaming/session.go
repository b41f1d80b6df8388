// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const (
	// farewell is how long the client of a session that was ended may take to receive the reason.
	farewell = 10 * time.Second
	// linger is how long a client may take to close its connection after it was told how the session ended. Until then
	// the server reads what the client sends. Closing a connection with unread data would discard what was sent last.
	// The client may still have much to read before it sees how the session ended.
	linger = 30 * time.Second
	// heartbeat is how often the server writes to a client. If the client has gone, the second write fails, even if
	// nobody reads what the client has sent.
	heartbeat = 10 * time.Second
)

// errClientGone is the cause of a session that ends because its client has left. Nobody is left to be told.
var errClientGone = errors.New("the client has left the session")

func errStopping() error {
	return apierrors.NewServiceUnavailable("the server is stopping: try again when it runs again")
}

func errSilent(silence time.Duration) error {
	return apierrors.NewTimeoutError(fmt.Sprintf("the session has ended because nothing was sent in it for %v: start another one", silence), 0)
}

// session is one running session. Its context ends with a cause: errClientGone, or what its client is to be told.
type session struct {
	sessions *Sessions
	kind     string
	ctx      context.Context
	cancel   context.CancelCauseFunc

	active     atomic.Int64 // when something was last sent, in nanoseconds since 1970
	finished   chan struct{}
	goroutines sync.WaitGroup
}

// touch notes that something was sent.
func (s *session) touch() { s.active.Store(s.sessions.clock.Now().UnixNano()) }

// end waits for the session's goroutines. Its connection must be closed.
func (s *session) end() {
	close(s.finished)
	s.cancel(errClientGone)
	s.goroutines.Wait()
	s.sessions.remove(s)
}

// gone reports whether the client has left.
func (s *session) gone() bool { return isGone(context.Cause(s.ctx)) }

// isGone reports whether the client of a session that ends with the cause has left. The context of a request ends without a
// cause if net/http sees the end of the connection before the session does.
func isGone(cause error) bool {
	return errors.Is(cause, errClientGone) || errors.Is(cause, context.Canceled)
}

// guard ends the session when it has been silent for too long, and aborts its connection once it has ended: at once if
// the client has gone, else after farewell. It returns when the session is finished.
func (s *session) guard(abort func()) {
	s.awaitSilence()
	if !s.gone() {
		timer := s.sessions.clock.NewTimer(farewell)
		defer timer.Stop()
		select {
		case <-timer.C():
		case <-s.finished:
		}
	}
	abort()
}

// awaitSilence returns when the context has ended. It ends the context when the session has been silent for too long.
func (s *session) awaitSilence() {
	limit := s.sessions.silence
	timer := s.sessions.clock.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-timer.C():
		}
		left := limit - s.sessions.clock.Since(time.Unix(0, s.active.Load()))
		if left <= 0 {
			s.cancel(errSilent(limit))
			return
		}
		timer.Reset(left)
	}
}

// beat calls write at each heartbeat, and ends the session if that fails.
func (s *session) beat(write func() error) {
	ticker := s.sessions.clock.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C():
			if write() != nil {
				s.cancel(errClientGone)
				return
			}
		case <-s.finished:
			return
		}
	}
}
