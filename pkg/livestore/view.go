// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/google/btree"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
)

// entry is one object of the view. It is never changed: another entry replaces it.
type entry struct {
	key     string
	subject string
	version uint64
	object  *shared
	// observed is the last observation that saw the object; see view.apply.
	observed *interval
	// moved is true if an observation saw that the subject has lost the key to another subject, its heir, and the heir
	// has not been observed yet.
	moved bool
}

// interval is when an observation began and ended, in steps of view.steps.
type interval struct{ began, ended uint64 }

// change is one version of the history. previous is nil for an addition, and object is nil for a removal. It is never
// changed.
type change struct {
	version          uint64
	key              string
	object, previous *shared

	once sync.Once
	gone *shared
}

// removed returns the removed object with the version of the change. All watchers that see the removal share it.
func (c *change) removed() *shared {
	c.once.Do(func() { c.gone = c.previous.at(c.version) })
	return c.gone
}

// view is the store's picture of its source, with the history of its changes. The store's lock guards it.
type view struct {
	versions *Versions
	prefix   string
	aliases  func(runtime.Object) []string
	nameOf   func(name string) string // see Namer
	capacity int

	setGeneration func(runtime.Object, int64)
	specChanged   func(old, updated runtime.Object) bool

	entries map[string]*entry // by key
	// ordered holds the objects of the entries in the order of their keys. Lists go through it and look at no entry.
	// With very many objects, looking at entries would take longer than everything else.
	ordered *btree.BTreeG[*shared]
	owned   index // subject to keys
	byAlias index // alias, of any namespace, to keys
	byField byField
	steps   uint64 // counts the beginnings and ends of observations: a clock for intervals
	heirs   index  // heir to the subjects that have lost keys to it since it was last observed

	// observing is how many observations are running. released maps each key that was removed while another observation
	// was running to the step of its removal. It is cleared when no observation is running.
	observing int
	released  map[string]uint64

	// history holds the changes after version base, oldest first. The history began at version first.
	history     []*change
	first, base uint64
}

// newView returns an empty view. All functions of the config must be set.
func newView(config Config) *view {
	return &view{
		versions:      config.Versions,
		prefix:        config.Prefix,
		aliases:       config.Aliases,
		nameOf:        nameOf(config.Source),
		capacity:      config.HistorySize,
		setGeneration: config.SetGeneration,
		specChanged:   config.SpecChanged,
		entries:       map[string]*entry{},
		ordered:       btree.NewG(64, func(a, b *shared) bool { return a.key < b.key }),
		owned:         index{},
		byAlias:       index{},
		byField:       newByField(config.IndexedFields),
		heirs:         index{},
		released:      map[string]uint64{},
		first:         config.Versions.Current(),
		base:          config.Versions.Current(),
	}
}

// nameOf returns the NameOf method of a source that is a Namer. For other sources it returns a function that returns
// each name unchanged.
func nameOf(source Source) func(string) string {
	if namer, ok := source.(Namer); ok {
		return namer.NameOf
	}
	return func(name string) string { return name }
}

func (v *view) get(key string) *entry { return v.entries[key] }

// resolve returns the entry that answers to key: first the one with that name, then the one whose name is spelled in
// another way (see Namer), then the only one that has the name as an alias. It returns nil if there is none.
func (v *view) resolve(key string) *entry {
	if e := v.get(key); e != nil {
		return e
	}
	if e := v.get(v.meant(key)); e != nil {
		return e
	}
	if keys := v.aliased(key); len(keys) == 1 {
		return v.get(keys[0])
	}
	return nil
}

// meant returns the key of the object that a key means; see Namer.
func (v *view) meant(key string) string {
	namespace, name := cutKey(key)
	return namespace + v.nameOf(name)
}

// aliased returns the keys of the objects in key's namespace that have the name of key as an alias.
func (v *view) aliased(key string) (keys []string) {
	namespace, alias := cutKey(key)
	for _, other := range v.byAlias[alias] {
		if strings.HasPrefix(other, namespace) {
			keys = append(keys, other)
		}
	}
	return keys
}

// cutKey splits a key after its last slash: into the prefix with the namespace, and the name.
func cutKey(key string) (namespace, name string) {
	n := strings.LastIndexByte(key, '/') + 1
	return key[:n], key[n:]
}

// begin starts an observation. Each observation must end with a call of apply or of end.
func (v *view) begin() *interval {
	v.steps++
	v.observing++
	return &interval{began: v.steps}
}

// end ends an observation. apply calls it too.
func (v *view) end() {
	if v.observing--; v.observing == 0 {
		clear(v.released)
	}
}

// lost returns the keys that the view shows for the subject and that objects does not have.
func (v *view) lost(subject string, objects map[string]runtime.Object) (keys []string) {
	for _, key := range v.owned[subject] {
		key = strings.TrimPrefix(key, v.prefix)
		if _, still := objects[key]; !still {
			keys = append(keys, key)
		}
	}
	return keys
}

// apply makes the view show the subject as exactly these objects, by key. observed is the observation that read them.
// apply ends that observation. It returns the number of changes, the subjects that must be observed because of them,
// and whether this observation must be repeated.
//
// If an object has another uid or another subject than the one before it at its key, the old object is removed and the
// new one added. Otherwise the object is modified.
//
// heirs maps a key that the subject has lost to its heir, the subject that has the key now. Such a key keeps its object
// until the heir is applied. The heir then takes the key over in one step, so that the key is never missing. Afterwards
// the old subject is observed again, because the heir may have lost the key too.
//
// A key can move between the observations of two subjects, so that both seem to own it. The later observation is right.
// An observation is therefore repeated if it overlaps with the observation of the present owner, or with the one that
// saw the key go. The repeated observation comes after the other one.
func (v *view) apply(subject string, objects map[string]runtime.Object, heirs map[string]string, observed *interval) (changes int, dirty []string, repeat bool) {
	defer v.end()
	v.steps++
	observed.ended = v.steps
	for key := range objects {
		owner := v.get(v.prefix + key)
		switch {
		case owner == nil && v.released[v.prefix+key] > observed.began:
			return 0, nil, true
		case owner != nil && owner.subject != subject && owner.observed.ended > observed.began:
			return 0, nil, true
		}
	}
	before := len(v.history)
	for _, name := range v.lost(subject, objects) {
		key := v.prefix + name
		if heir := heirs[name]; heir != "" {
			left := *v.get(key)
			left.moved = true
			v.entries[key] = &left
			v.heirs.insert(heir, subject)
			continue
		}
		v.remove(v.get(key))
		if v.observing > 1 { // other observations than this one are running
			v.released[key] = v.steps
		}
	}
	for _, name := range sets.List(sets.KeySet(objects)) {
		key, object := v.prefix+name, objects[name]
		old := v.get(key)
		switch {
		case old == nil:
			v.put(key, subject, object, nil, observed)
		case old.subject != subject:
			dirty = append(dirty, old.subject)
			fallthrough
		case uid(old.object.object) != uid(object):
			v.remove(old)
			v.put(key, subject, object, nil, observed)
		case v.isShown(old, object):
			unchanged := *old
			unchanged.observed, unchanged.moved = observed, false
			v.entries[key] = &unchanged
			continue
		default:
			v.put(key, subject, object, old, observed)
		}
	}
	dirty = append(dirty, v.heirs[subject]...)
	delete(v.heirs, subject)
	changes = len(v.history) - before
	v.trim()
	return changes, dirty, false
}

func (v *view) put(key, subject string, object runtime.Object, old *entry, observed *interval) {
	e := &entry{key: key, subject: subject, version: v.versions.Next(), object: &shared{object: object, key: key}, observed: observed}
	setVersion(object, e.version)
	generation := int64(e.version)
	var previous *shared
	if old != nil {
		previous = old.object
		v.unindex(old)
		if !v.specChanged(previous.object, object) {
			generation = accessor(previous.object).GetGeneration()
		}
	}
	v.setGeneration(object, generation)
	v.entries[key] = e
	v.ordered.ReplaceOrInsert(e.object)
	v.owned.insert(subject, key)
	for _, alias := range v.aliases(object) {
		v.byAlias.insert(alias, key)
	}
	v.byField.insert(e)
	v.history = append(v.history, &change{version: e.version, key: key, object: e.object, previous: previous})
}

// isShown reports whether the entry shows the same as an observed object. It sets the generation of the observed object
// if the spec is the same.
func (v *view) isShown(e *entry, observed runtime.Object) bool {
	shown := e.object.object
	if v.specChanged(shown, observed) {
		return false
	}
	v.setGeneration(observed, accessor(shown).GetGeneration())
	return equalButVersion(shown, observed, reflect.DeepEqual)
}

func (v *view) remove(e *entry) {
	delete(v.entries, e.key)
	v.ordered.Delete(e.object)
	v.unindex(e)
	v.history = append(v.history, &change{version: v.versions.Next(), key: e.key, previous: e.object})
}

func (v *view) unindex(e *entry) {
	v.owned.remove(e.subject, e.key)
	for _, alias := range v.aliases(e.object.object) {
		v.byAlias.remove(alias, e.key)
	}
	v.byField.remove(e)
}

func accessor(object runtime.Object) metav1.Object {
	m, err := meta.Accessor(object)
	if err != nil {
		panic(err) // the source returned something that is not an API object
	}
	return m
}

func uid(object runtime.Object) string { return string(accessor(object).GetUID()) }

func setVersion(object runtime.Object, version uint64) {
	accessor(object).SetResourceVersion(strconv.FormatUint(version, 10))
}

// equalButVersion reports whether the two objects are equal apart from their versions. It leaves object without a
// version.
func equalButVersion(old, object runtime.Object, equal func(a, b any) bool) bool {
	m := accessor(object)
	m.SetResourceVersion(accessor(old).GetResourceVersion())
	defer m.SetResourceVersion("")
	return equal(old, object)
}
