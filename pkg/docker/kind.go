// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/events"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/klog/v2"
)

// kind is one kind of what an engine holds. Each is read, compared with Docker and available by itself, whatever becomes
// of the others.
type kind struct {
	resource schema.GroupResource
	// condition is the type of the engine's condition that says whether the kind has been read.
	condition string
	// events is the type of the events that tell of changes.
	events events.Type
	// sink is the field of the kind's source.
	sink *Sink
	// subjects returns what an event about a subject makes dirty, if that is not just the subject. It may be nil.
	subjects func(mark) []string
}

// SetSink names who hears of changes of a kind, such as volumes. It comes before Run, once for each kind.
func (e *Engine) SetSink(resource string, sink Sink) {
	for _, k := range e.kinds {
		if k.resource.Resource == resource {
			*k.sink = sink
			return
		}
	}
	panic(fmt.Sprintf("an engine holds no %s", resource))
}

// mark reports a change to its sink.
func (e *Engine) mark(m mark) {
	if m.kind == signalKind {
		e.containers.signals.sent(m.subject)
		return
	}
	for _, k := range e.kinds {
		switch {
		case k.events != m.kind:
		case m.subject == "":
			(*k.sink).MarkAllDirty()
		case k.subjects != nil:
			for _, subject := range k.subjects(m) {
				(*k.sink).MarkDirty(subject)
			}
		default:
			(*k.sink).MarkDirty(m.subject)
		}
	}
}

func (e *Engine) setUnavailable(err error) {
	for _, k := range e.kinds {
		(*k.sink).SetUnavailable(unavailable(err.Error()))
	}
}

// keepAll keeps every kind until ctx ends. The comparisons are spread over the period.
func (e *Engine) keepAll(ctx context.Context, c *connection) {
	for i, k := range e.kinds {
		(*k.sink).SetUnavailable(unavailable(fmt.Sprintf("the %s of the container engine at %s are being read", k.resource.Resource, e.Endpoint())))
		offset := e.resyncPeriod * time.Duration(i+1) / time.Duration(len(e.kinds))
		c.group.Go(func() { e.keep(ctx, c, k, offset) })
	}
}

// keep reads a kind and compares it with Docker once in a period from then on, until ctx ends. What fails is tried again
// soon. A kind that has been read stays available when a comparison fails: events and inspections keep it up to date.
func (e *Engine) keep(ctx context.Context, c *connection, k kind, offset time.Duration) {
	began, backoff := time.Now(), e.backoff
	read, known := false, ""
	for {
		err := (*k.sink).Resync(ctx)
		if ctx.Err() != nil {
			return
		}
		pause := untilComparison(time.Since(began), offset, e.resyncPeriod)
		if err == nil {
			read, known, backoff = true, "", e.backoff
			c.read.Store(true)
		} else {
			err = e.explainKind(k, err)
			pause = backoff.Step()
			if !read {
				(*k.sink).SetUnavailable(err)
			}
			if err.Error() != known {
				known = err.Error()
				klog.FromContext(ctx).Info("A kind cannot be read from the container engine", "resource", k.resource.Resource, "served", read, "reason", known)
			}
		}
		if e.engines.tried(k, read, err) {
			e.connectedOnce.Do(func() { close(e.connected) })
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// untilComparison returns how long it is, some time after the beginning, to the next of the times that are a period apart.
// The offset is one of them.
func untilComparison(elapsed, offset, period time.Duration) time.Duration {
	return period - ((elapsed-offset)%period+period)%period
}

// explainKind returns why a kind cannot be read as the error of those who want to read it.
func (e *Engine) explainKind(k kind, err error) error {
	if apierrors.IsServiceUnavailable(err) {
		return err
	}
	return unavailable(fmt.Sprintf("the %s of the container engine at %s cannot be read: %s", k.resource.Resource, e.Endpoint(), dockerWords(err)))
}

// listError returns the error of a list of all objects of a kind, which is about no single one of them.
func (e *Engine) listError(resource schema.GroupResource, err error) error {
	status := apierrors.APIStatus(nil)
	switch {
	case err == nil, errors.As(err, &status):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("no answer within %s", listTimeout)
	}
	return unavailable(fmt.Sprintf("the %s of the container engine at %s cannot be listed: %s", resource.Resource, e.Endpoint(), dockerWords(err)))
}
