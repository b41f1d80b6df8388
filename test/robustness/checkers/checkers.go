// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package checkers judges histories: a function for each promise that the server makes, which looks at nothing but what
// clients saw.
package checkers

import (
	"fmt"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// Result is what a checker found.
type Result struct {
	// Checks is how many things could have been wrong.
	Checks int
	// Violations says what was.
	Violations []string
}

func (r *Result) checked() { r.Checks++ }

func (r *Result) violated(format string, args ...any) {
	r.Violations = append(r.Violations, fmt.Sprintf(format, args...))
}

// Add adds what another look at the same promise found.
func (r *Result) Add(other Result) {
	r.Checks += other.Checks
	r.Violations = append(r.Violations, other.Violations...)
}

// Checker judges one promise.
type Checker struct {
	Name, Promise string
	Check         func(*history.History) Result
}

// All has a row for each promise that a history alone can show to be broken.
var All = []Checker{
	{"ordered", "versions never go back", Ordered},
	{"unique", "no change is shown twice", Unique},
	{"reliable", "no change is missing between two versions", Reliable},
	{"resumable", "a watch goes on from any version that is kept", Resumable},
	{"bookmarkable", "a bookmark comes after all that it covers", Bookmarkable},
	{"filtered", "a selector's stream is the full stream, filtered", Filtered},
	{"live", "no read misses a change that was answered before it", Live},
	{"monotonic", "a version of an earlier run is refused, and lower than all of a later run", Monotonic},
}

// who names a watch in violations.
func who(w *history.Watch) string {
	selector := ""
	if !w.Unfiltered() {
		selector = fmt.Sprintf(" -l %q --field-selector %q", w.LabelSelector, w.FieldSelector)
	}
	return fmt.Sprintf("%s, run %d: watch of %s%s from %d", w.Client, w.Run, w.Resource, selector, w.From)
}

func what(e history.Event) string {
	return fmt.Sprintf("%s %s (%s) at %d", e.Type, e.Object.Name, e.Object.Digest, e.Object.Version)
}
