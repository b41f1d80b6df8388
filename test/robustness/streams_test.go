// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package robustness

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/checkers"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/clients"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

const (
	// streamers is the number of clients that have one stream after another.
	streamers = 5

	sessionsMetric = "engine_apiserver_streaming_sessions"
)

// startStreams starts the clients that have streams. The function that it returns ends them and waits for their end. They run
// commands and containers, so they must end before Docker is expected to be at rest.
func (r *round) startStreams(ctx context.Context) (stop func()) {
	r.stage = clients.NewStage(r.engine.Client(), r.config, r.target.Prefix)
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	for i := range streamers {
		client := r.newClient(fmt.Sprintf("streamer %d", i))
		group.Go(func() { client.Stream(ctx, r.stage) })
	}
	return func() {
		cancel()
		group.Wait()
	}
}

// cleared waits until nothing is left of the streams of the clients. It reports what is left after patience.
func (r *round) cleared(ctx context.Context) checkers.Result {
	for deadline := time.Now().Add(patience); ; sleep(ctx, 200*time.Millisecond) {
		sessions, err := r.metric(ctx, sessionsMetric)
		if err != nil {
			r.t.Fatal(err)
		}
		left := checkers.Leftovers{Sessions: sessions, Goroutines: r.goroutines()}
		if !strings.HasPrefix(left.Goroutines, "goroutine ") {
			r.t.Fatalf("reading the goroutines of the server: %s", left.Goroutines)
		}
		for _, request := range r.proxy.Open() {
			left.Requests = append(left.Requests, request.String())
		}
		if result := checkers.Clean(left); len(result.Violations) == 0 || time.Now().After(deadline) {
			return result
		}
	}
}

// fillLogs has the history say what Docker holds of each log. It leaves out the logs of a round in which Docker has lost lines.
func (r *round) fillLogs(ctx context.Context, h *history.History) {
	r.t.Helper()
	if r.failpoint != nil && r.failpoint.LosesLogs {
		all := len(h.Streams)
		h.Streams = slices.DeleteFunc(h.Streams, clients.IsLog)
		r.report.counts["logs not checked, because Docker has lost lines"] += int64(all - len(h.Streams))
	}
	if err := r.stage.Fill(ctx, h.Streams); err != nil {
		r.t.Fatal(err)
	}
}

const endedStreams, cutStreams = "streams that ended by themselves: ", "streams that broke off or were left: "

// streamsOf returns under which name a stream is counted.
func streamsOf(s *history.Stream) string {
	// The end of a connection to a port does not say whether it is complete.
	if s.Ended || strings.HasPrefix(s.Kind, "portforward") && s.Outputs[0].Delivered == s.Outputs[0].Written {
		return endedStreams + s.Kind
	}
	return cutStreams + s.Kind
}

// neverEnded returns the kinds of streams that were never seen to end by themselves.
func neverEnded(counts map[string]int64) (kinds []string) {
	for name := range counts {
		if kind, cut := strings.CutPrefix(name, cutStreams); cut && counts[endedStreams+kind] == 0 {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

func TestStreamsThatNeverEndByThemselvesAreNoticed(t *testing.T) {
	counts := map[string]int64{cutStreams + "a": 3, endedStreams + "a": 1, cutStreams + "b": 1, endedStreams + "c": 1, "watches": 1}
	if kinds := neverEnded(counts); len(kinds) != 1 || kinds[0] != "b" {
		t.Errorf("%q", kinds)
	}
}
