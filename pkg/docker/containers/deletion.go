// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"time"

	"github.com/containerd/errdefs"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

const (
	// acceptTimeout is how long a graceful deletion waits for a sign that Docker has begun to stop the container.
	acceptTimeout = time.Second
	// shortGrace is the longest grace period for which the request waits until the deletion has ended. removalGrace is
	// how much longer than the grace period it waits, for the removal itself.
	shortGrace   = 2 * time.Second
	removalGrace = 5 * time.Second
)

// gracefulDeletion is a deletion that is under way. The container was running when it began. The lock of the overlays
// guards err and isAnswered.
type gracefulDeletion struct {
	ended chan struct{}
	err   error // nil until the deletion has failed

	// isAnswered is true once the request has its answer. A later failure is then shown in status.lastAction.
	isAnswered bool
}

// isNewDeletion reports whether the update begins a graceful deletion or shortens its grace period.
func isNewDeletion(before, after *v1alpha1.Container) bool {
	if after.DeletionTimestamp == nil {
		return false
	}
	return before.DeletionTimestamp == nil || graceOf(after) < graceOf(before)
}

func graceOf(c *v1alpha1.Container) int64 {
	if c.DeletionGracePeriodSeconds == nil {
		return int64(defaultStopTimeout / time.Second)
	}
	return *c.DeletionGracePeriodSeconds
}

// deleteGracefully stops and removes the container. It returns when Docker has begun to stop the container. It returns
// an error if Docker refuses.
func (s *Source) deleteGracefully(ctx context.Context, id string, after *v1alpha1.Container) error {
	if _, err := s.Client.Current(); err != nil {
		return err
	}
	sent, forget := s.signals.await(id)
	defer forget()
	defer s.MarkDirty(id)

	refused := make(chan error, 1)
	current, isNew, takeBack := s.beginDeletion(id, after)
	err := s.Client.Spawn(ctx, func(ctx context.Context) {
		if isNew {
			s.runDeletion(ctx, id, current, graceOf(after))
		} else if err := s.shortenDeletion(ctx, id, graceOf(after)); err != nil {
			takeBack()
			refused <- err
			s.MarkDirty(id) // the request may have its answer already
		}
	})
	if err != nil {
		takeBack()
		return err
	}
	if !isNew {
		sent = nil // the signal may be that of the first stop request, and this one may still be refused
	}
	err = s.awaitAcceptance(ctx, current, refused, sent, time.Duration(graceOf(after))*time.Second)
	if err != nil {
		return connection.APIError("delete", containerResource, after.Name, s.Client.OrUnavailable(err))
	}
	return nil
}

// beginDeletion writes a deletion into the overlay and returns it. If one is under way, it returns that one. takeBack
// undoes what beginDeletion wrote.
func (s *Source) beginDeletion(id string, after *v1alpha1.Container) (current *gracefulDeletion, isNew bool, takeBack func()) {
	s.overlays.change(id, func(o *overlay) {
		timestamp, grace := o.deletionTimestamp, o.gracePeriod
		if isNew = o.deletion == nil; isNew {
			timestamp = nil
			o.deletion = &gracefulDeletion{ended: make(chan struct{})}
		}
		current = o.deletion
		o.deletionTimestamp, o.gracePeriod = after.DeletionTimestamp.DeepCopy(), graceOf(after)
		takeBack = func() {
			s.overlays.change(id, func(o *overlay) {
				if o.deletion != current {
					return // the deletion has ended
				}
				o.deletionTimestamp, o.gracePeriod = timestamp, grace
				if isNew {
					o.deletion = nil
				}
			})
		}
	})
	return current, isNew, takeBack
}

// runDeletion stops and removes the container, and then ends the deletion.
func (s *Source) runDeletion(ctx context.Context, id string, current *gracefulDeletion, grace int64) {
	observed := metav1.Now().Rfc3339Copy()
	isStopped := false
	err := s.call(ctx, id, func(ctx context.Context, c *connection.Connection) (err error) {
		isStopped, err = s.stopAndRemove(ctx, c, id, grace)
		return err
	})
	outcome := s.outcome(v1alpha1.ContainerActionDelete, observed, err)
	s.overlays.change(id, func(o *overlay) {
		current.err = err
		close(current.ended)
		if err == nil {
			return // the container is gone; its overlay goes with it
		}
		o.deletionTimestamp, o.deletion = nil, nil
		if current.isAnswered || isStopped {
			o.lastAction = outcome
		}
	})
	s.MarkDirty(id)
}

// shortenDeletion makes the deletion that is under way wait for at most grace seconds. A second stop request does that.
func (s *Source) shortenDeletion(ctx context.Context, id string, grace int64) error {
	err := s.call(ctx, id, func(ctx context.Context, c *connection.Connection) error {
		return s.checkNotFound(ctx, id, stop(ctx, c, id, grace))
	})
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// awaitAcceptance returns nil when sent is closed, because Docker has begun to stop the container, or when it has waited
// long enough. If the stop is refused or the deletion ends before that, it returns the error.
func (s *Source) awaitAcceptance(ctx context.Context, current *gracefulDeletion, refused <-chan error, sent <-chan struct{}, grace time.Duration) error {
	timeout := acceptTimeout
	if grace <= shortGrace {
		sent, timeout = nil, grace+removalGrace
	}
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(deadline)/2)
	}
	timer := s.Clock.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-current.ended:
	case err := <-refused:
		return err
	case <-sent:
	case <-timer.C():
	case <-ctx.Done():
	}
	return s.overlays.answer(current)
}

// answer notes that the request has its answer. It returns the error of the deletion, or nil if the deletion has not
// ended.
func (o *overlays) answer(current *gracefulDeletion) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	current.isAnswered = true
	return current.err
}

// stopAndRemove stops and removes the container. isStopped reports whether the stop succeeded, even if the removal
// failed.
func (s *Source) stopAndRemove(ctx context.Context, c *connection.Connection, id string, grace int64) (isStopped bool, err error) {
	unlock, err := s.locks.Lock(ctx, id)
	if err != nil {
		return false, err
	}
	defer unlock()
	err = s.checkNotFound(ctx, id, stop(ctx, c, id, grace))
	if errdefs.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	err = s.remove(ctx, c, id, false)
	if errdefs.IsNotFound(err) {
		return true, nil
	}
	return true, err
}
