// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package robustness

import (
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/checkers"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// A server that Docker lets wait for one object for longer than a second shows it as it was last seen: Docker holds a
// container's lock for as long as a start or a stop takes. So reads of what Docker was slow to tell of are not judged.
const (
	// slow is how long an inspection takes that may make the server go on without it. It is far below the second, for the
	// server may take its part of that on a loaded machine.
	slow = 200 * time.Millisecond
	// settling is how long after such an answer of Docker's the server may take to show it. A loaded machine needs seconds.
	settling = 5 * time.Second
)

// inspection is the path of an inspection, or of the wait for a removal that is part of one.
var inspection = regexp.MustCompile(`/(?:containers|images|volumes)/(.+?)(?:/json|/wait)?$`)

// blocks is when Docker was slow to tell of what.
type blocks struct {
	now func() time.Duration

	mu    sync.Mutex
	spans map[string][]span // by name or ID
}

func newBlocks(now func() time.Duration) *blocks {
	return &blocks{now: now, spans: map[string][]span{}}
}

// observe takes in that a request has ended.
func (b *blocks) observe(path string, took time.Duration) {
	match := inspection.FindStringSubmatch(path)
	if match == nil || took < slow {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spans[match[1]] = append(b.spans[match[1]], span{b.now() - took, b.now() + settling})
}

// judgeable leaves out reads of what Docker was slow to tell of at the time.
func (b *blocks) judgeable(operations []history.Operation) []history.Operation {
	b.mu.Lock()
	defer b.mu.Unlock()
	behind := map[string][]string{} // what names are known to have stood for
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
