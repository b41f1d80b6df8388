// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"sort"
	"strings"

	"k8s.io/apiserver/pkg/storage"
)

// trim forgets the oldest changes once there are more than the capacity. It forgets a quarter of the capacity at a
// time, because each time copies the rest.
func (v *view) trim() {
	if len(v.history) > v.capacity {
		v.forget(max(len(v.history)-v.capacity, v.capacity/4))
	}
}

func (v *view) forget(n int) {
	v.base = v.history[n-1].version
	v.history = append([]*change(nil), v.history[n:]...)
}

// compact forgets the changes up to and including version.
func (v *view) compact(version uint64) {
	if n := v.indexAfter(version); n > 0 {
		v.forget(n)
	}
	v.base = max(v.base, version)
}

func (v *view) indexAfter(version uint64) int {
	return sort.Search(len(v.history), func(i int) bool { return v.history[i].version > version })
}

// scan calls each for the objects whose keys have the prefix and are not before start, in the order of their keys.
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
		v.ordered.Ascend(visit) // faster: it does not compare each node with start
		return
	}
	v.ordered.AscendGreaterOrEqual(&shared{key: start}, visit)
}

// pick calls each for the objects of those keys that have the prefix and are not before start.
func (v *view) pick(keys []string, prefix, start string, each func(*shared)) {
	for _, key := range keys {
		if key >= start && strings.HasPrefix(key, prefix) {
			each(v.get(key).object)
		}
	}
}

// at returns the objects whose keys have the prefix and are not before start, as they were at version. The version must
// not be below base. If an index can answer the predicate, at leaves out most objects that the predicate does not
// select. It never leaves out one that the predicate selects.
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
