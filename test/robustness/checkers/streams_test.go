// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package checkers

import (
	"slices"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// streams returns streams that keep the promise.
func streams() []*history.Stream {
	output := func(written, delivered string) []history.Output {
		return []history.Output{{Written: written, Delivered: delivered}}
	}
	return []*history.Stream{
		{Kind: "log", Container: "web", Outputs: output("1\n2\n3\n", "1\n2\n3\n"), Ended: true},
		{Kind: "log that is broken off", Container: "web", Outputs: output("1\n2\n3\n", "1\n2"), Reason: "the engine is lost"},
		{Kind: "log so far", Container: "web", Outputs: []history.Output{{Written: "1\n2\n3\n", Delivered: "1\n2\n", Before: 4}}, Ended: true, Partial: true},
		{Kind: "exec", Container: "web", Outputs: append(output("1\n2\n", "1\n2\n"), history.Output{Written: "e\n", Delivered: "e\n"}), Ended: true, ExitCode: 7, WantedCode: 7},
	}
}

func TestEachFaultOfAStreamIsCaught(t *testing.T) {
	if result := Complete(&history.History{Streams: streams()}); len(result.Violations) > 0 || result.Checks == 0 {
		t.Fatalf("%+v", result)
	}
	const log, broken, partial, exec = 0, 1, 2, 3
	for fault, test := range map[string]struct {
		inject func(s []*history.Stream)
		says   string
	}{
		"the end is missing": {func(s []*history.Stream) { s[log].Outputs[0].Delivered = "1\n2\n" }, `log of web: it ended without an error after 4 of 6 bytes: "1\n2\n3\n" is missing`},
		"all is missing":     {func(s []*history.Stream) { s[log].Outputs[0].Delivered = "" }, "after 0 of 6 bytes"},
		"a line is missing":  {func(s []*history.Stream) { s[log].Outputs[0].Delivered = "1\n3\n" }, "after 2 bytes it delivers"},
		"a line comes twice": {func(s []*history.Stream) { s[log].Outputs[0].Delivered = "1\n2\n2\n3\n" }, "after 4 bytes it delivers"},
		"lines change places in a log that is broken off": {func(s []*history.Stream) { s[broken].Outputs[0].Delivered = "2\n1" }, "after 0 bytes it delivers"},
		"more is delivered than was written":              {func(s []*history.Stream) { s[log].Outputs[0].Delivered += "4\n" }, "after 6 bytes it delivers"},
		"a broken log looks complete":                     {func(s []*history.Stream) { s[broken].Ended = true }, "log that is broken off of web: it ended without an error after 3 of 6"},
		"a log so far goes back":                          {func(s []*history.Stream) { s[partial].Outputs[0].Before = 6 }, "but a client had seen 6 before"},
		"the second output is cut":                        {func(s []*history.Stream) { s[exec].Outputs[1].Delivered = "e" }, "after 1 of 2 bytes"},
		"the exit code is another one":                    {func(s []*history.Stream) { s[exec].ExitCode = 0 }, "the exit code is 0, want 7"},
	} {
		h := &history.History{Streams: streams()}
		test.inject(h.Streams)
		if found := Complete(h).Violations; len(found) != 1 || !strings.Contains(found[0], test.says) {
			t.Errorf("%s: %q, want %q", fault, found, test.says)
		}
	}
}

// atRest is what a server has that has no streams.
func atRest() Leftovers {
	return Leftovers{
		Goroutines: `goroutine 1 [select]:
github.com/rancher-sandbox/engine-apiserver/pkg/docker.(*Engine).Run(0xc000)
	/src/pkg/docker/engine.go:10

goroutine 7 [chan receive]:
k8s.io/apiserver/pkg/server.(*GenericAPIServer).Run(0xc000)
	/go/k8s.io/apiserver/pkg/server/genericapiserver.go:10
created by github.com/rancher-sandbox/engine-apiserver/pkg/apiserver.start in goroutine 1
	/src/pkg/apiserver/server.go:10
`,
		Requests: []string{"GET /v1.41/events?filters=x", "GET /v1.41/containers/json?all=1"},
	}
}

func TestEverythingThatIsLeftIsCaught(t *testing.T) {
	if result := Clean(atRest()); len(result.Violations) > 0 || result.Checks == 0 {
		t.Fatalf("%+v", result)
	}
	goroutine := func(function string) func(*Leftovers) {
		return func(l *Leftovers) {
			l.Goroutines += "\ngoroutine 9 [select]:\nio.Copy(0x1)\n\t/go/io.go:1\n" + function + "(0xc000)\n\t/src/x.go:10\n"
		}
	}
	const ours = "github.com/rancher-sandbox/engine-apiserver/pkg/"
	for what, test := range map[string]struct {
		leave func(*Leftovers)
		says  string
	}{
		"a session":                {func(l *Leftovers) { l.Sessions = 2 }, "2 sessions"},
		"a goroutine of a session": {goroutine(ours + "streaming.(*session).guard"), "streaming.(*session).guard"},
		"a goroutine that a session created": {func(l *Leftovers) {
			l.Goroutines += "\ngoroutine 9 [IO wait]:\nnet.Read(0x1)\n\t/go/net.go:1\ncreated by github.com/moby/spdystream.NewConnection in goroutine 8\n\t/src/x.go:10\n"
		}, "spdystream.NewConnection"},
		"a goroutine of an exec":        {goroutine(ours + "docker/containers.(*process).send"), "(*process).send"},
		"a goroutine of a log":          {goroutine(ours + "registry/container.answer"), "container.answer"},
		"a goroutine of a desktop's":    {goroutine(ours + "passthrough.forward"), "passthrough.forward"},
		"a log that is still asked for": {func(l *Leftovers) { l.Requests = append(l.Requests, "GET /v1.41/containers/x/logs?follow=1") }, "/logs?follow=1"},
		"an exec that still runs":       {func(l *Leftovers) { l.Requests = append(l.Requests, "POST /v1.41/exec/x/start") }, "/exec/x/start"},
		"an attachment":                 {func(l *Leftovers) { l.Requests = append(l.Requests, "POST /v1.41/containers/x/attach?stream=1") }, "/attach?stream=1"},
		"a wait": {func(l *Leftovers) {
			l.Requests = append(l.Requests, "POST /v1.41/containers/x/wait?condition=next-exit")
		}, "/wait?condition"},
		"a copy": {func(l *Leftovers) { l.Requests = append(l.Requests, "PUT /v1.41/containers/x/archive?path=x") }, "/archive?path"},
	} {
		left := atRest()
		test.leave(&left)
		if found := Clean(left).Violations; len(found) != 1 || !slices.ContainsFunc(found, func(v string) bool { return strings.Contains(v, test.says) }) {
			t.Errorf("%s: %q, want %q", what, found, test.says)
		}
	}
}
