// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/runtime"
)

// ErrStale is returned by Update and Delete of a Source when the object that they were given is no longer what the
// source holds. The store then reads the object again and retries.
var ErrStale = errors.New("the object has changed in its source")

// Source is where the objects of one Store live.
//
// A source holds subjects. A subject is a thing with an identity of its own, such as an image. It shows as any number
// of objects, often one: an image shows as one object for each of its tags. An object of another subject is another
// object, even if it has the same name and uid. Keys are namespace/name. Errors are API errors
// (k8s.io/apimachinery/pkg/api/errors) and reach the client unchanged.
type Source interface {
	// Subjects lists every subject that exists now. If none of them shows as an object, Resync of the Sink takes that
	// for a failure of the source.
	Subjects(ctx context.Context) ([]string, error)

	// Observe reads one subject now. It returns the objects that the subject shows as, by key, and none if the subject
	// is gone. It also returns the related subjects: those that must be observed because of what was read. The objects
	// belong to the caller. The store never runs two observations of one subject at the same time.
	//
	// Each key must have meant the returned object at some moment during the observation. Objects that say the same
	// must be equal to reflect.DeepEqual. Otherwise watchers see changes that did not happen.
	Observe(ctx context.Context, subject string) (objects map[string]runtime.Object, related []string, err error)

	// Lookup returns the subject that has the key now, or "" if there is none. The store asks for keys that it does not
	// hold, and for keys that a subject has lost and that may have moved to another subject.
	Lookup(ctx context.Context, key string) (subject string, err error)

	// Fence returns after every change that was complete before the call has been reported to the Sink.
	Fence(ctx context.Context) error

	// Create makes obj and returns its subject. Create, Update and Delete report what they changed to the Sink before
	// they return.
	Create(ctx context.Context, key string, obj runtime.Object) (subject string, err error)

	// Update changes the subject from old to updated.
	Update(ctx context.Context, subject string, old, updated runtime.Object) error

	// Delete removes obj, one of the objects that the subject shows as. The store has read obj from the source a moment
	// before, unless Config.DeleteLooks lets it skip that read.
	Delete(ctx context.Context, subject string, obj runtime.Object) error
}

// Lister is a Source that can observe all subjects at once.
type Lister interface {
	Source

	// List observes every subject that exists now. It returns the objects that each subject shows as, by key. A list
	// cannot report that a subject is gone. The store observes such a subject on its own, as it does a subject whose
	// objects in the list are nil. List must read nothing that requires the observation of other subjects.
	List(ctx context.Context) (map[string]map[string]runtime.Object, error)
}

// Namer is a Source that accepts several spellings of an object's name.
type Namer interface {
	Source

	// NameOf returns the name of the object that a name means, often that name itself. It returns the name of every
	// object unchanged.
	NameOf(name string) string
}

// Sink receives the reports of a Source about changes. No method but Resync waits for the source.
type Sink interface {
	// MarkDirty marks the subject dirty: an observation of it will begin soon after the call.
	MarkDirty(subject string)

	// MarkAllDirty has the store list the subjects again soon, and observe those that came or went.
	MarkAllDirty()

	// Resync lists and observes every subject and makes the store available. It returns when the store holds all
	// subjects. It does not wait for subjects for which the source is slow or fails. If the source answers for none of
	// the subjects that it lists, Resync fails. On an available store, Resync instead compares the subjects with the source one by one, to put
	// little load on the source.
	Resync(ctx context.Context) error

	// SetUnavailable makes reads and writes fail with err, an API error, until a Resync succeeds. Open watches stay
	// open.
	SetUnavailable(err error)
}
