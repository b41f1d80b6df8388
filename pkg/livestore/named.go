// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
)

// named follows through the history which object answers to one key. That is the object with this name, or else the
// object whose name is spelled in another way, or else the only object that has the name as an alias.
type named struct {
	key, meant       string
	namespace, alias string // the two parts of the key
	aliases          func(runtime.Object) []string
	// candidates maps the keys of objects that have the key as their name or alias to these objects.
	candidates map[string]*shared
}

// named returns what answers to key at version. The version must not be below base.
func (v *view) named(key string, version uint64) *named {
	n := &named{key: key, meant: v.meant(key), aliases: v.aliases, candidates: map[string]*shared{}}
	n.namespace, n.alias = cutKey(key)
	for _, name := range []string{n.key, n.meant} {
		if e := v.get(name); e != nil {
			n.set(name, e.object)
		}
	}
	for _, other := range v.aliased(key) {
		n.set(other, v.get(other).object)
	}
	for i := len(v.history) - 1; i >= 0 && v.history[i].version > version; i-- {
		n.set(v.history[i].key, v.history[i].previous)
	}
	return n
}

// set notes that the object at key is now this one, nil if there is none.
func (n *named) set(key string, object *shared) {
	if object != nil && (key == n.key || key == n.meant || strings.HasPrefix(key, n.namespace) && slices.Contains(n.aliases(object.object), n.alias)) {
		n.candidates[key] = object
		return
	}
	delete(n.candidates, key)
}

// owner returns the object that answers, and its own key. The object is nil if none answers.
func (n *named) owner() (string, *shared) {
	for _, name := range []string{n.key, n.meant} {
		if object := n.candidates[name]; object != nil {
			return name, object
		}
	}
	if len(n.candidates) == 1 {
		for key, object := range n.candidates {
			return key, object
		}
	}
	return "", nil
}

// object returns the object that answers, under the name that was asked for. It returns nil if none answers.
func (n *named) object() *shared {
	key, object := n.owner()
	if object == nil || key == n.key {
		return object
	}
	return share(renamed(object.object, n.key))
}

// follow turns a change of the store into the changes that a watch of the key sees: none, one, or a removal and an
// addition.
func (n *named) follow(c *change) []*change {
	formerKey, former := n.owner()
	previous := n.object()
	n.set(c.key, c.object)
	key, owner := n.owner()
	switch {
	case former == owner:
		return nil
	case former != nil && owner != nil && formerKey != key:
		return []*change{
			{version: c.version, key: n.key, previous: previous},
			{version: c.version, key: n.key, object: n.objectSince(c)},
		}
	}
	return []*change{{version: c.version, key: n.key, object: n.objectSince(c), previous: previous}}
}

// objectSince is like object, for an object that answers since c. If the change of another object made it answer, it
// gets the version of c, so that a watch can resume from it.
func (n *named) objectSince(c *change) *shared {
	key, object := n.owner()
	if object == nil || key == c.key {
		return n.object()
	}
	return share(renamed(object.object, n.key)).at(c.version)
}
