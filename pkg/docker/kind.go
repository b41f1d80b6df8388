// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/engines"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// Source is the source of one kind of object in an engine.
type Source interface {
	// The live store calls these methods. Its interface Source describes them.
	Subjects(ctx context.Context) ([]string, error)
	Observe(ctx context.Context, subject string) (objects map[string]runtime.Object, related []string, err error)
	Lookup(ctx context.Context, key string) (subject string, err error)
	Fence(ctx context.Context) error
	Create(ctx context.Context, key string, object runtime.Object) (subject string, err error)
	Update(ctx context.Context, subject string, old, updated runtime.Object) error
	Delete(ctx context.Context, subject string, object runtime.Object) error

	// The source reports changes to the sink that SetSink sets. Call SetSink before the engine runs.
	source.Sink
	SetSink(sink source.Sink)

	// Hear marks the objects that an event may change. The source hears every event of the engine, in the order in which
	// the engine reports them, and decides which ones concern it. Hear must not wait for Docker.
	Hear(event source.Event)
}

// kind describes one kind of object in an engine. Each kind is read, compared with Docker and made available on its own. A
// failure of one kind does not affect the others.
type kind struct {
	engines.Kind
	source Source
}

// Source returns the source of a resource that the engine holds, such as volumes.
func (e *Engine) Source(resource string) Source {
	for _, k := range e.kinds {
		if k.Resource == resource {
			return k.source
		}
	}
	panic(fmt.Sprintf("an engine holds no %s", resource))
}

// hear passes an event to all kinds.
func (e *Engine) hear(event source.Event) {
	for _, k := range e.kinds {
		k.source.Hear(event)
	}
}

func (e *Engine) shownKinds() (shown []engines.Kind) {
	for _, k := range e.kinds {
		shown = append(shown, k.Kind)
	}
	return shown
}

func (e *Engine) setUnavailable(err error) {
	for _, k := range e.kinds {
		k.source.SetUnavailable(connection.Unavailable(err.Error()))
	}
}

// keepAll starts a goroutine for each kind that runs keep. It spreads the comparisons of the kinds over the resync
// period.
func (e *Engine) keepAll(ctx context.Context, s *session) {
	for i, k := range e.kinds {
		k.source.SetUnavailable(connection.Unavailable(fmt.Sprintf("the %s of the container engine at %s are being read", k.Resource, e.Endpoint())))
		offset := e.resyncPeriod * time.Duration(i+1) / time.Duration(len(e.kinds))
		s.group.Go(func() { e.keep(ctx, s, k, offset) })
	}
}

// keep reads a kind, and then compares it with Docker once in each period, until ctx ends. It retries a failure soon. A
// kind that has been read stays available if a comparison fails, because events and inspections keep it up to date.
func (e *Engine) keep(ctx context.Context, s *session, k kind, offset time.Duration) {
	began, backoff := time.Now(), e.backoff
	read, known := false, ""
	for {
		err := k.source.Resync(ctx)
		if ctx.Err() != nil {
			return
		}
		pause := untilComparison(time.Since(began), offset, e.resyncPeriod)
		if err == nil {
			read, known, backoff = true, "", e.backoff
			s.read.Store(true)
		} else {
			err = e.explainKind(k, err)
			pause = backoff.Step()
			if !read {
				k.source.SetUnavailable(err)
			}
			if err.Error() != known {
				known = err.Error()
				klog.FromContext(ctx).Info("A kind cannot be read from the container engine", "resource", k.Resource, "served", read, "reason", known)
			}
		}
		if e.engines.Tried(k.Kind, read, err) {
			e.connectedOnce.Do(func() { close(e.connected) })
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// untilComparison returns how long to wait for the next comparison when elapsed has passed since the beginning.
// Comparisons are one period apart, and one of them is at offset.
func untilComparison(elapsed, offset, period time.Duration) time.Duration {
	return period - ((elapsed-offset)%period+period)%period
}

// explainKind returns the API error for clients that read a kind which cannot be read.
func (e *Engine) explainKind(k kind, err error) error {
	if apierrors.IsServiceUnavailable(err) {
		return err
	}
	return connection.Unavailable(fmt.Sprintf("the %s of the container engine at %s cannot be read: %s", k.Resource, e.Endpoint(), connection.Words(err)))
}
