// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/runtime"
)

// ErrStale is what a Source returns from Update and Delete when the object it was given is not what is there any
// more. The store reads again and tries again.
var ErrStale = errors.New("the object has changed in its source")

// Source is where the objects of one Store live.
//
// A source holds subjects: things with an identity of their own, each of which shows as any number of objects, often
// one. What another subject shows as is another object, even under the same name and uid. Keys are namespace/name. Errors are API errors (k8s.io/apimachinery/pkg/api/errors) and reach the client as
// they are.
type Source interface {
	// Subjects lists every subject that exists now.
	Subjects(ctx context.Context) ([]string, error)

	// Observe reads one subject now and returns the objects that it shows as by key, none if it is gone, and other
	// subjects that must be observed on account of what was read. The objects belong to the caller. Observations of
	// one subject never overlap. At some moment of the observation each key meant the object that is returned for it.
	// Objects that say the same are the same to reflect.DeepEqual, or watchers would hear of changes that are none.
	Observe(ctx context.Context, subject string) (objects map[string]runtime.Object, related []string, err error)

	// Lookup returns the subject behind a key that the store does not hold, or "" if there is none.
	Lookup(ctx context.Context, key string) (subject string, err error)

	// Fence returns when every change that was complete before the call has been reported to the Sink.
	Fence(ctx context.Context) error

	// Create makes obj and returns its subject. Like Update and Delete, it has reported what it changed to the Sink when it
	// returns.
	Create(ctx context.Context, key string, obj runtime.Object) (subject string, err error)

	// Update takes the subject from old to updated.
	Update(ctx context.Context, subject string, old, updated runtime.Object) error

	// Delete removes obj, one of the objects that the subject shows as. It was seen to be there a moment before, but for where
	// Config.DeleteLooks says otherwise.
	Delete(ctx context.Context, subject string, obj runtime.Object) error
}

// Lister is a Source that can observe all subjects at once.
type Lister interface {
	Source

	// List observes every subject that exists now, and returns what each shows as by key. Of those with nothing there a list does
	// not tell: they have to be observed by themselves. No others are to be observed on account of what was read.
	List(ctx context.Context) (map[string]map[string]runtime.Object, error)
}

// Namer is a Source whose objects answer to other ways of writing their names.
type Namer interface {
	Source

	// NameOf returns the name of the object that a name means, often that name itself. No object has a name that means another.
	NameOf(name string) string
}

// Sink is what a source reports changes to. None of its methods but Resync waits for the source.
type Sink interface {
	// MarkDirty has the subject observed soon, at least once from now on.
	MarkDirty(subject string)

	// MarkAllDirty has the subjects listed again soon, and those that came or went observed.
	MarkAllDirty()

	// Resync lists and observes every subject and returns when the store holds all of them; from then on the store
	// is available. On an available store it goes through the subjects one by one, to be of little weight.
	Resync(ctx context.Context) error

	// SetUnavailable makes reads and writes fail with err, an API error, until the next Resync. Open watches stay.
	SetUnavailable(err error)
}
