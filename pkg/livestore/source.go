// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
)

// Source is where the objects of one Store live.
//
// A source holds subjects: things with an identity of their own that shows as any number of objects, often one.
// Objects come and go by what Observe says of their subject; a source never changes an object that it handed out.
// Errors are API errors (k8s.io/apimachinery/pkg/api/errors) and reach the client as they are.
type Source interface {
	// Subjects lists every subject that exists now.
	Subjects(ctx context.Context) ([]string, error)

	// Observe reads one subject now and returns the objects that it shows as, none if it is gone, and other
	// subjects that must be observed on account of what was read. Observations of one subject never overlap.
	Observe(ctx context.Context, subject string) (objects []runtime.Object, related []string, err error)

	// Lookup returns the subject behind the name of an object that the store does not hold, or "" if there is none.
	Lookup(ctx context.Context, namespace, name string) (subject string, err error)

	// Fence returns when every change that was complete before the call has been reported to the Sink.
	Fence(ctx context.Context) error

	// Create makes obj and returns its subject.
	Create(ctx context.Context, obj runtime.Object) (subject string, err error)

	// Update takes the subject behind old from old to updated. ErrStale says that old is not what is there.
	Update(ctx context.Context, old, updated runtime.Object) error

	// Delete removes obj. ErrStale says that obj is not what is there.
	Delete(ctx context.Context, obj runtime.Object) error
}

// Sink is what a source reports changes to. None of its methods but Resync waits for the source.
type Sink interface {
	// MarkDirty has the subject observed soon, at least once from now on.
	MarkDirty(subject string)

	// MarkAllDirty has the subjects listed again soon, and those that came or went observed.
	MarkAllDirty()

	// Resync lists and observes every subject and returns when the store holds all of them; from then on the store
	// is available.
	Resync(ctx context.Context) error

	// SetUnavailable makes reads and writes fail with err, an API error, until the next Resync. Open watches stay.
	SetUnavailable(err error)
}
