// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package robustness

import (
	"fmt"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/checkers"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// Docker holds a container's lock while it starts or stops the container, and an inspection waits for that lock. A read waits for
// an inspection for at most a second. After that the server shows the object as it saw it last. Reads of an object whose
// inspection was slow are therefore not checked.
const (
	// slow is the duration from which an inspection counts as slow. It is far below a second, because on a loaded machine the
	// server itself uses up a part of the second.
	slow = 200 * time.Millisecond
	// settling is how long the server may take to show such a slow answer.
	settling = time.Second
	// mostUnchecked is the share of all reads that a run may leave out for this reason. Long runs have left out a tenth at most.
	mostUnchecked = 0.25
)

// inspection matches the path of an inspection, or of the request that waits for a removal.
var inspection = regexp.MustCompile(`/(?:containers|images|volumes|networks)/(.+?)(?:/json|/wait)?$`)

// blocks records which inspections were slow, and when.
type blocks struct {
	now func() time.Duration

	mu    sync.Mutex
	spans map[string][]span // by the object's name or ID
}

func newBlocks(now func() time.Duration) *blocks {
	return &blocks{now: now, spans: map[string][]span{}}
}

// observe records a request that has ended.
func (b *blocks) observe(path string, took time.Duration) {
	match := inspection.FindStringSubmatch(path)
	if match == nil || took < slow {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spans[match[1]] = append(b.spans[match[1]], span{b.now() - took, b.now() + settling})
}

// judgeable returns the operations without reads of objects whose inspection was slow at that time.
func (b *blocks) judgeable(operations []history.Operation) []history.Operation {
	b.mu.Lock()
	defer b.mu.Unlock()
	behind := map[string][]string{} // the IDs that each name has stood for
	for _, o := range operations {
		if o.Kind == checkers.Owner && o.Value != history.Absent {
			behind[o.Register] = append(behind[o.Register], o.Value)
		}
	}
	isBlocked := func(o history.Operation, subject string) bool {
		return slices.ContainsFunc(b.spans[subject], func(s span) bool { return o.Return >= s.from && o.Call <= s.to })
	}
	return slices.DeleteFunc(slices.Clone(operations), func(o history.Operation) bool {
		return o.Action == history.Read && slices.ContainsFunc(append(behind[o.Register], o.Register), func(subject string) bool { return isBlocked(o, subject) })
	})
}

// readsIn returns how many of the operations are reads.
func readsIn(operations []history.Operation) (reads int64) {
	for _, o := range operations {
		if o.Action == history.Read {
			reads++
		}
	}
	return reads
}

// tooFewChecked returns what is wrong with a run that has left out this many of its reads, and "" if nothing is.
func tooFewChecked(unchecked, reads int64) string {
	if float64(unchecked) <= mostUnchecked*float64(reads) {
		return ""
	}
	return fmt.Sprintf("%d of %d reads were not checked, because Docker was slow: at most %.0f%% may be left out", unchecked, reads, mostUnchecked*100)
}

func TestARunThatChecksTooFewReadsFails(t *testing.T) {
	for _, test := range []struct {
		unchecked, reads int64
		fails            bool
	}{{0, 0, false}, {0, 8, false}, {2, 8, false}, {3, 8, true}, {8, 8, true}} {
		if wrong := tooFewChecked(test.unchecked, test.reads); (wrong != "") != test.fails {
			t.Errorf("%d of %d reads not checked: %q", test.unchecked, test.reads, wrong)
		}
	}
}
