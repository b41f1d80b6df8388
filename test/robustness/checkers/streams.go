// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package checkers

import (
	"regexp"
	"strings"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// context is how much of an output a violation shows on both sides of a difference.
const context = 40

// Complete finds streams that deliver something else than the process wrote, and streams that end as if they were complete
// although something is missing.
func Complete(h *history.History) Result {
	var r Result
	for _, s := range h.Streams {
		for _, output := range s.Outputs {
			r.checked()
			written, delivered := output.Written, output.Delivered
			switch same := commonPrefix(written, delivered); {
			case same < len(delivered):
				r.violated("%s, run %d: %s of %s: after %d bytes it delivers %q, but the process wrote %q", s.Client, s.Run, s.Kind, s.Container,
					same, around(delivered, same), around(written, same))
			case s.Ended && !s.Partial && same < len(written):
				r.violated("%s, run %d: %s of %s: it ended without an error after %d of %d bytes: %q is missing", s.Client, s.Run, s.Kind, s.Container,
					same, len(written), around(written, same))
			case s.Ended && same < output.Before:
				r.violated("%s, run %d: %s of %s: it ended without an error after %d bytes, but a client had seen %d before", s.Client, s.Run, s.Kind, s.Container,
					same, output.Before)
			}
		}
		if s.Ended && s.ExitCode != s.WantedCode {
			r.violated("%s, run %d: %s of %s: the exit code is %d, want %d", s.Client, s.Run, s.Kind, s.Container, s.ExitCode, s.WantedCode)
		}
	}
	return r
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func around(s string, at int) string { return s[max(0, at-context):min(len(s), at+context)] }

// Leftovers is what a server holds on to when no client has a stream.
type Leftovers struct {
	// Sessions is how many sessions the server counts.
	Sessions float64
	// Goroutines are the stacks of all goroutines of the server.
	Goroutines string
	// Requests are the requests to the engine that have not ended.
	Requests []string
}

var (
	ofStreams = regexp.MustCompile(`(?m)^(created by )?(\S*(/pkg/streaming|/pkg/passthrough|spdystream|cri-streaming|k8s\.io/streaming)\S*|` +
		`\S*/pkg/docker/containers\.\(\*(Exec|Attachment|Archive|Ports|process|log|demultiplexer)\)\S*|\S*/pkg/registry/container\.answer\S*)`)
	toStreams = regexp.MustCompile(`/(logs|attach|archive|wait|exec/[^/]+/start)(\?|$)`)
)

// Clean finds what is left of streams that have ended.
func Clean(left Leftovers) Result {
	var r Result
	r.checked()
	if left.Sessions != 0 {
		r.violated("the server counts %v sessions", left.Sessions)
	}
	for stack := range strings.SplitSeq(left.Goroutines, "\n\n") {
		r.checked()
		if ofStreams.MatchString(stack) {
			r.violated("a goroutine is left: %s", stack)
		}
	}
	for _, request := range left.Requests {
		r.checked()
		if toStreams.MatchString(request) {
			r.violated("a request to the engine is left: %s", request)
		}
	}
	return r
}
