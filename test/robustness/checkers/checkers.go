// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package checkers checks histories. It has one function for each promise of the server. Each function looks only at what
// clients saw.
package checkers

import (
	"fmt"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// Result is the result of a checker.
type Result struct {
	// Checks is the number of checks.
	Checks int
	// Violations describe the checks that failed.
	Violations []string
}

func (r *Result) checked() { r.Checks++ }

func (r *Result) violated(format string, args ...any) {
	r.Violations = append(r.Violations, fmt.Sprintf(format, args...))
}

// Add adds another result for the same promise.
func (r *Result) Add(other Result) {
	r.Checks += other.Checks
	r.Violations = append(r.Violations, other.Violations...)
}

// Checker checks one promise.
type Checker struct {
	Name, Promise string
	Check         func(*history.History) Result
}

// All are the checkers of the promises that can be checked from a history alone.
var All = []Checker{
	{"ordered", "versions never go back", Ordered},
	{"unique", "no change is shown twice", Unique},
	{"reliable", "no change is missing between two versions", Reliable},
	{"resumable", "a watch resumes from any version that is kept", Resumable},
	{"bookmarkable", "a bookmark comes after every change that it covers", Bookmarkable},
	{"filtered", "a selector's stream is the full stream, filtered", Filtered},
	{"live", "no read misses a change that was answered before it", Live},
	{"complete", "a stream delivers what the process wrote, in order, or ends with an error", Complete},
	{"ends", "a pull or a push ends Complete or Failed with a reason, and Complete means that the image is there", Ends},
	{"applied", "what was answered with 201 is there as it was asked for, field by field", Applied},
	{"monotonic", "a version of an earlier run is refused, and lower than every version of a later run", Monotonic},
}

// who describes a watch in a violation.
func who(w *history.Watch) string {
	selector := ""
	if !w.Unfiltered() {
		selector = fmt.Sprintf(" -l %q --field-selector %q", w.LabelSelector, w.FieldSelector)
	}
	return fmt.Sprintf("%s, run %d: watch of %s%s from %d", w.Client, w.Run, w.Resource, selector, w.From)
}

// what describes an event in a violation.
func what(e history.Event) string {
	return fmt.Sprintf("%s %s (%s) at %d", e.Type, e.Object.Name, e.Object.Digest, e.Object.Version)
}
