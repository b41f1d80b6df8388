// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
)

// index maps a value to the sorted keys of the objects that have it. It is made for values that few objects share.
type index map[string][]string

func (i index) insert(at, key string) {
	keys := i[at]
	if n, found := slices.BinarySearch(keys, key); !found {
		i[at] = slices.Insert(keys, n, key)
	}
}

func (i index) remove(at, key string) {
	keys := i[at]
	n, found := slices.BinarySearch(keys, key)
	switch {
	case found && len(keys) == 1:
		delete(i, at)
	case found:
		i[at] = slices.Delete(keys, n, n+1)
	}
}

// byField maps each indexed field to its index. An index leaves out objects without a value.
type byField map[string]struct {
	value func(runtime.Object) string
	keys  index
}

func newByField(fields map[string]func(runtime.Object) string) byField {
	b := byField{}
	for field, value := range fields {
		b[field] = struct {
			value func(runtime.Object) string
			keys  index
		}{value, index{}}
	}
	return b
}

func (b byField) insert(e *entry) {
	for _, field := range b {
		if value := field.value(e.object.object); value != "" {
			field.keys.insert(value, e.key)
		}
	}
}

func (b byField) remove(e *entry) {
	for _, field := range b {
		if value := field.value(e.object.object); value != "" {
			field.keys.remove(value, e.key)
		}
	}
}

// candidates returns the keys of all objects that the predicate can select. It returns false if no index can tell.
func (b byField) candidates(predicate storage.SelectionPredicate) ([]string, bool) {
	if predicate.Field == nil {
		return nil, false
	}
	for name, field := range b {
		if value, ok := predicate.Field.RequiresExactMatch(name); ok && value != "" {
			return field.keys[value], true
		}
	}
	return nil, false
}
