// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"reflect"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/google/btree"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/storage"
)

// entry is one object of the view. It is never changed.
type entry struct {
	key     string
	subject string
	version uint64
	object  *shared
	// observed is the observation that produced the entry last; see view.apply.
	observed *interval
	// moved is true when the subject was seen to have lost the key to another one, which is yet to be observed.
	moved bool
}

// interval is when an observation began and ended, in steps of view.steps.
type interval struct{ began, ended uint64 }

// change is one version of the history. A nil previous is an addition, a nil object a removal. It is never changed.
type change struct {
	version          uint64
	key              string
	object, previous *shared

	once sync.Once
	gone *shared
}

// removed is previous with the version of the change, for all who see it go.
func (c *change) removed() *shared {
	c.once.Do(func() { c.gone = c.previous.at(c.version) })
	return c.gone
}

// view is what the store believes of its source, and how it came about. The store's lock guards it.
type view struct {
	versions *Versions
	prefix   string
	aliases  func(runtime.Object) []string
	nameOf   func(name string) string // see Namer
	capacity int

	setGeneration func(runtime.Object, int64)
	specChanged   func(old, updated runtime.Object) bool

	entries map[string]*entry // by key
	// ordered are the objects of the entries by key. Lists go through it and look at no entry: among very many, that takes
	// longer than all else.
	ordered *btree.BTreeG[*shared]
	owned   index // subject to keys
	byAlias index // alias, of any namespace, to keys
	byField byField
	steps   uint64
	heirs   index // subject to those that have lost keys to it since it was observed

	// observing is how many observations are under way, and released when the keys that went meanwhile did, in steps.
	observing int
	released  map[string]uint64

	// history holds the changes after the version base, oldest first. It began with the version first.
	history     []*change
	first, base uint64
}

// newView returns an empty view. All functions of the config are there.
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

// nameOf returns the source's NameOf, or what returns each name as it is.
func nameOf(source Source) func(string) string {
	if namer, ok := source.(Namer); ok {
		return namer.NameOf
	}
	return func(name string) string { return name }
}

func (v *view) get(key string) *entry { return v.entries[key] }

// resolve returns the entry that answers to key: the one of that name, the one whose name is another way of writing it or, failing
// that, the only one with that alias.
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

// meant returns the key of the object that a key means.
func (v *view) meant(key string) string {
	namespace, name := cutKey(key)
	return namespace + v.nameOf(name)
}

// aliased returns the keys of those that have the name of key as an alias, in its namespace.
func (v *view) aliased(key string) (keys []string) {
	namespace, alias := cutKey(key)
	for _, other := range v.byAlias[alias] {
		if strings.HasPrefix(other, namespace) {
			keys = append(keys, other)
		}
	}
	return keys
}

// cutKey returns what comes before the name, with its slash, and the name.
func cutKey(key string) (namespace, name string) {
	n := strings.LastIndexByte(key, '/') + 1
	return key[:n], key[n:]
}

// begin starts an observation. It ends with apply or end.
func (v *view) begin() *interval {
	v.steps++
	v.observing++
	return &interval{began: v.steps}
}

// end ends an observation.
func (v *view) end() {
	if v.observing--; v.observing == 0 {
		clear(v.released)
	}
}

// lost returns the keys that are the subject's in the view and not among its objects.
func (v *view) lost(subject string, objects map[string]runtime.Object) (keys []string) {
	for _, key := range v.owned[subject] {
		key = strings.TrimPrefix(key, v.prefix)
		if _, still := objects[key]; !still {
			keys = append(keys, key)
		}
	}
	return keys
}

// apply makes subject show as exactly these objects, by key, as observed. It returns how many changes that made, the
// subjects to observe on account of it, and whether the observation has to be repeated.
//
// An object replaces the one before it, which is removed, if it has another uid or belongs to another subject.
//
// What heirs has, by key, stays as it is until the heir is applied, which takes it over in one step. The subject is then
// observed again, lest the heir has lost it in its turn.
//
// Two subjects can be seen to own one key when it moved from one to the other between their observations. The later
// observation is right, so an observation that overlaps with that of the present owner, or of the one that was seen to
// have lost the key, is repeated: it then comes after it.
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
		if v.observing > 1 { // beside this one
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

// isShown reports whether the entry shows all that an observed object says. The object gets its generation.
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

// trim forgets the oldest changes, a quarter of the capacity at a time.
func (v *view) trim() {
	if len(v.history) > v.capacity {
		v.forget(max(len(v.history)-v.capacity, v.capacity/4))
	}
}

func (v *view) forget(n int) {
	v.base = v.history[n-1].version
	v.history = append([]*change(nil), v.history[n:]...)
}

// compact forgets the changes up to version.
func (v *view) compact(version uint64) {
	if n := v.indexAfter(version); n > 0 {
		v.forget(n)
	}
	v.base = max(v.base, version)
}

func (v *view) indexAfter(version uint64) int {
	return sort.Search(len(v.history), func(i int) bool { return v.history[i].version > version })
}

// scan calls each for the objects from key start on that have the prefix, in order.
func (v *view) scan(prefix, start string, each func(*shared)) {
	first, ok := v.ordered.Min()
	if !ok {
		return
	}
	last, _ := v.ordered.Max()
	start = max(prefix, start)
	toTheEnd := strings.HasPrefix(last.key, prefix)
	visit := func(object *shared) bool {
		if !toTheEnd && !strings.HasPrefix(object.key, prefix) {
			return false
		}
		each(object)
		return true
	}
	if first.key >= start {
		v.ordered.Ascend(visit) // does not search each node for start
		return
	}
	v.ordered.AscendGreaterOrEqual(&shared{key: start}, visit)
}

// pick calls each for those of the keys that have the prefix, from key start on.
func (v *view) pick(keys []string, prefix, start string, each func(*shared)) {
	for _, key := range keys {
		if key >= start && strings.HasPrefix(key, prefix) {
			each(v.get(key).object)
		}
	}
}

// at returns the objects under prefix, from key start on, as they were at version, which is not below base. It leaves out
// what the predicate cannot select where an index tells.
func (v *view) at(version uint64, prefix, start string, predicate storage.SelectionPredicate) []*shared {
	changed := map[string]*shared{}
	for i := len(v.history) - 1; i >= 0 && v.history[i].version > version; i-- {
		if c := v.history[i]; strings.HasPrefix(c.key, prefix) && c.key >= start {
			changed[c.key] = c.previous
		}
	}
	var result []*shared
	add := func(object *shared) {
		if len(changed) > 0 {
			if _, ok := changed[object.key]; ok {
				return
			}
		}
		result = append(result, object)
	}
	if keys, ok := v.byField.candidates(predicate); ok {
		v.pick(keys, prefix, start, add)
	} else {
		result = make([]*shared, 0, len(v.entries))
		v.scan(prefix, start, add)
	}
	if len(changed) > 0 {
		for _, object := range changed {
			if object != nil {
				result = append(result, object)
			}
		}
		sort.Slice(result, func(i, j int) bool { return result[i].key < result[j].key })
	}
	return result
}

func accessor(object runtime.Object) metav1.Object {
	m, err := meta.Accessor(object)
	if err != nil {
		panic(err) // a source that hands out something else than API objects
	}
	return m
}

func uid(object runtime.Object) string { return string(accessor(object).GetUID()) }

func setVersion(object runtime.Object, version uint64) {
	accessor(object).SetResourceVersion(strconv.FormatUint(version, 10))
}

// equalButVersion compares the object of an entry with one that has no version, and leaves it without.
func equalButVersion(old, object runtime.Object, equal func(a, b any) bool) bool {
	m := accessor(object)
	m.SetResourceVersion(accessor(old).GetResourceVersion())
	defer m.SetResourceVersion("")
	return equal(old, object)
}
