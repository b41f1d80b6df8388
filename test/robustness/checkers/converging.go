// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package checkers

import (
	"fmt"
	"maps"
	"slices"
)

// Facts maps the name of each object to the object's fields by name.
type Facts map[string]map[string]string

// Converging finds fields in which a client's copy differs from Docker after the traffic has stopped.
func Converging(client string, got, want Facts) Result {
	var r Result
	names := maps.Clone(want)
	maps.Copy(names, got)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		switch {
		case got[name] == nil:
			r.checked()
			r.violated("%s does not have %s", client, name)
		case want[name] == nil:
			r.checked()
			r.violated("%s has %s, Docker does not", client, name)
		default:
			r.Add(agreeing(fmt.Sprintf("%s: %s", client, name), got[name], want[name]))
		}
	}
	return r
}

func agreeing(object string, got, want map[string]string) (r Result) {
	fields := maps.Clone(want)
	maps.Copy(fields, got)
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		r.checked()
		if got[field] != want[field] {
			r.violated("%s: %s is %q, Docker has %q", object, field, got[field], want[field])
		}
	}
	return r
}
