// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
)

// Verbs says which verbs a resource has beside get, list and watch. Delete includes deletecollection, and Update includes
// patch. A resource with Create must have a CreateStrategy.
type Verbs struct{ Delete, Update, Create bool }

// NewStorage returns the storage of a resource with the verbs over its objects. It is a *Reader, *Deleter, *Creator, *Updater
// or *Writer.
func NewStorage(resource Resource, verbs Verbs, scheme *runtime.Scheme, objects *Namespaced) (rest.Storage, error) {
	reader, err := NewReader(resource, scheme, objects)
	if err != nil {
		return nil, err
	}
	reader.store.BeginCreate = objects.beginCreate
	deleter := &Deleter{reader}
	creator, updater := &Creator{deleter}, &Updater{deleter}
	storage, known := map[Verbs]rest.Storage{
		{}:                           reader,
		{Delete: true}:               deleter,
		{Delete: true, Create: true}: creator,
		{Delete: true, Update: true}: updater,
		{Delete: true, Update: true, Create: true}: &Writer{updater, creator},
	}[verbs]
	if !known {
		return nil, fmt.Errorf("no storage of %s has just the verbs %+v", resource.Name, verbs)
	}
	return storage, nil
}
