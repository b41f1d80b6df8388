// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package robustness

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/checkers"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// Promises that cannot be checked from a history alone.
const (
	converging = "converging"
	selfCheck  = "self-check"
	clean      = "clean"
)

// Counts that decide whether a run has checked enough.
const (
	allReads       = "reads"
	uncheckedReads = "reads not checked, because Docker or the server was slow"
)

// promises returns all promises that a run checks, in the order of the table.
func promises() []checkers.Checker {
	return append(slices.Clone(checkers.All),
		checkers.Checker{Name: converging, Promise: "after the traffic has stopped, every client holds what Docker says, field by field"},
		checkers.Checker{Name: clean, Promise: "when the clients have left, no session, goroutine or request to Docker of a stream is left"},
		checkers.Checker{Name: selfCheck, Promise: "a comparison with Docker finds only differences that a failpoint explains"})
}

// report collects the results of a run.
type report struct {
	mu       sync.Mutex
	results  map[string]*checkers.Result
	injected map[string]int
	counts   map[string]int64
}

func newReport() *report {
	return &report{results: map[string]*checkers.Result{}, injected: map[string]int{}, counts: map[string]int64{}}
}

func (r *report) add(promise string, result checkers.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.results[promise] == nil {
		r.results[promise] = &checkers.Result{}
	}
	r.results[promise].Add(result)
}

func (r *report) violations() (all []string) {
	for _, promise := range promises() {
		if found := r.results[promise.Name]; found != nil {
			for _, violation := range found.Violations {
				all = append(all, promise.Name+": "+violation)
			}
		}
	}
	return all
}

// table returns the results of the run as a table.
func (r *report) table() string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PROMISE\tCHECKS\tVIOLATIONS\t")
	for _, promise := range promises() {
		result := cmp.Or(r.results[promise.Name], &checkers.Result{})
		fmt.Fprintf(w, "%s: %s\t%d\t%d\t\n", promise.Name, promise.Promise, result.Checks, len(result.Violations))
	}
	fmt.Fprintln(w, "\t\t\t\nFAILPOINT\tINJECTED\t\t")
	for _, name := range slices.Sorted(maps.Keys(r.injected)) {
		fmt.Fprintf(w, "%s\t%d\t\t\n", name, r.injected[name])
	}
	fmt.Fprintln(w, "\t\t\t\nTRAFFIC\tCOUNT\t\t")
	for _, name := range slices.Sorted(maps.Keys(r.counts)) {
		fmt.Fprintf(w, "%s\t%d\t\t\n", name, r.counts[name])
	}
	w.Flush()
	return text.String()
}

// keepHistory writes the history and the traffic log of a round to a directory.
func keepHistory(dir string, h *history.History, log []byte) error {
	files := map[string]any{"watches.json": h.Watches, "lists.json": h.Lists, "operations.json": h.Operations, "streams.json": h.Streams,
		"requests.json": h.Requests, "creations.json": h.Creations}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, content := range files {
		encoded, err := json.MarshalIndent(content, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), encoded, 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "traffic.jsonl"), log, 0o600)
}
