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

// kind describes one kind of object in an engine. Each kind is read, compared with Docker and made available on its
// own. A failure of one kind does not affect the others.
type kind struct {
	resource schema.GroupResource
	// condition is the type of the Engine's condition that says whether the kind has been read.
	condition string
	// events is the type of the events that report changes of the kind.
	events events.Type
	// sink points to the sink in the kind's source.
	sink *Sink
	// subjects returns the subjects that a mark of one subject makes dirty. If subjects is nil, only that subject is
	// dirty.
	subjects func(mark) []string
}

// SetSink sets the sink that hears of changes of a kind, such as volumes. Call it once for each kind, before Run.
func (e *Engine) SetSink(resource string, sink Sink) {
	for _, k := range e.kinds {
		if k.resource.Resource == resource {
			*k.sink = sink
			return
		}
	}
	panic(fmt.Sprintf("an engine holds no %s", resource))
}

// mark reports a mark to the sink of its kind.
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

// keepAll starts a goroutine for each kind that runs keep. It spreads the comparisons of the kinds over the resync
// period.
func (e *Engine) keepAll(ctx context.Context, c *connection) {
	for i, k := range e.kinds {
		(*k.sink).SetUnavailable(unavailable(fmt.Sprintf("the %s of the container engine at %s are being read", k.resource.Resource, e.Endpoint())))
		offset := e.resyncPeriod * time.Duration(i+1) / time.Duration(len(e.kinds))
		c.group.Go(func() { e.keep(ctx, c, k, offset) })
	}
}

// keep reads a kind, and then compares it with Docker once in each period, until ctx ends. It retries a failure soon. A
// kind that has been read stays available if a comparison fails, because events and inspections keep it up to date.
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
	return unavailable(fmt.Sprintf("the %s of the container engine at %s cannot be read: %s", k.resource.Resource, e.Endpoint(), dockerWords(err)))
}

// listError returns the API error for a failed list of a whole kind. It names no object, because none is at fault.
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
