// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package robustness

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
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
	// slowRead is the duration from which a read may have given up waiting, although Docker answered the inspection in time. On a
	// loaded machine the server itself may be slow to take in the answer.
	slowRead = 800 * time.Millisecond
	// settling is how long the server may take to show such a slow answer.
	settling = time.Second
	// mostUnchecked is the share of all reads that a long run may leave out for this reason. Long runs have left out a tenth at most.
	mostUnchecked = 0.25
)

// inspection matches the path of an inspection, or of the request that waits for a removal.
var inspection = regexp.MustCompile(`/(?:containers|images|volumes|networks)/(.+?)(/json|/wait)?$`)

// difference matches a line of the server's log that tells of a container that a comparison has found to differ.
var difference = regexp.MustCompile(`"A comparison found a change that nothing had reported" resource="containers[^"]*" subject="(\w+)"`)

// blocks records which inspections were slow, and when.
type blocks struct {
	now func() time.Duration

	mu       sync.Mutex
	spans    map[string][]span // by the object's name or ID
	removals map[string]bool   // the containers whose removal was slow
}

func newBlocks(now func() time.Duration) *blocks {
	return &blocks{now: now, spans: map[string][]span{}, removals: map[string]bool{}}
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
	if match[2] == "/wait" {
		b.removals[match[1]] = true
	}
}

// removalsIn returns how many differences in the server's log are slow removals. Docker raises no event when a removal begins, so
// only a comparison finds that a container is being removed.
func (b *blocks) removalsIn(log string) (removals int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, match := range difference.FindAllStringSubmatch(log, -1) {
		if b.removals[match[1]] {
			removals++
		}
	}
	return removals
}

// judgeable returns the operations without reads of objects whose inspection or other reads were slow at that time.
func (b *blocks) judgeable(operations []history.Operation) []history.Operation {
	b.mu.Lock()
	defer b.mu.Unlock()
	behind := map[string][]string{} // the IDs that each name has stood for
	slowReads := map[string][]span{}
	for _, o := range operations {
		if o.Action == history.Read && o.Return-o.Call >= slowRead {
			slowReads[o.Register] = append(slowReads[o.Register], span{o.Call, o.Return + settling})
		}
		if o.Kind == checkers.Owner && o.Value != history.Absent {
			behind[o.Register] = append(behind[o.Register], o.Value)
		}
	}
	isBlocked := func(o history.Operation, subject string) bool {
		covers := func(s span) bool { return o.Return >= s.from && o.Call <= s.to }
		return slices.ContainsFunc(b.spans[subject], covers) || slices.ContainsFunc(slowReads[subject], covers)
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
	return fmt.Sprintf("%d of %d reads were not checked, because Docker or the server was slow: at most %.0f%% may be left out", unchecked, reads, mostUnchecked*100)
}

func TestReadsAreNotCheckedWhileReadsOfTheirObjectAreSlow(t *testing.T) {
	read := func(register string, call, end time.Duration) history.Operation {
		return history.Operation{Kind: checkers.Owner, Register: register, Action: history.Read, Value: history.Absent, Call: call, Return: end}
	}
	checked := []history.Operation{read("web", 0, slowRead/2), read("db", slowRead, slowRead), read("web", 3*slowRead+settling, 3*slowRead+settling)}
	all := append(slices.Clone(checked), read("web", slowRead, 2*slowRead), read("web", 2*slowRead, 2*slowRead+slowRead/2))
	if got := newBlocks(nil).judgeable(all); !slices.Equal(got, checked) {
		t.Errorf("checked: %v", got)
	}
}

func TestADifferenceThatIsASlowRemovalIsExplained(t *testing.T) {
	b := newBlocks(func() time.Duration { return 0 })
	b.observe("/v1.41/containers/removed/wait", slow)
	b.observe("/v1.41/containers/soon/wait", slow/2)
	b.observe("/v1.41/containers/inspected/json", slow)
	var log strings.Builder
	for _, subject := range []string{"removed", "soon", "inspected"} {
		fmt.Fprintf(&log, `I1 store.go:235] "A comparison found a change that nothing had reported" resource="containers.engine.x" subject="%s"`+"\n", subject)
	}
	if got := b.removalsIn(log.String()); got != 1 {
		t.Errorf("%d removals", got)
	}
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
