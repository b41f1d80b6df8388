// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package robustness

import (
	"math/rand/v2"
	"regexp"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/failpoints"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// startOther starts an engine with other content.
func startOther(t *testing.T) *engine.Engine {
	t.Helper()
	other := engine.StartFor(t)
	other.Create(t, "other-container")
	other.Volume(t, "other-volume", nil)
	other.Network(t, "other-network", nil)
	other.Image(t, "other-image:latest")
	return other
}

func TestRobustness(t *testing.T) {
	t.Logf("seed %d, for %v", *seed, *duration)
	random := rand.New(rand.NewPCG(*seed, 0))
	chosen, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	s := newSystem(t, eng)
	other := startOther(t)
	depot := newDepot(t)
	results := newReport()
	target := &failpoints.Target{Engine: eng, Other: other, Proxy: s.proxy, KillServer: s.killServer, StartServer: func() { s.startServer() },
		Namespace: testserver.Namespace, Random: random, Short: *duration < 5*time.Minute}
	defer func() {
		for _, violation := range results.violations() {
			t.Error(violation)
		}
		if wrong := tooFewChecked(results.counts[uncheckedReads], results.counts[allReads]); wrong != "" && !target.Short {
			t.Error(wrong)
		}
		if kinds := neverEnded(results.counts); len(kinds) > 0 && !target.Short {
			t.Errorf("no stream of these kinds ended by itself: %q", kinds)
		}
		if kinds := neverCreated(results.counts); len(kinds) > 0 && !target.Short {
			t.Errorf("no object of these kinds was created: %q", kinds)
		}
		if kinds := neverComplete(results.counts); len(kinds) > 0 && !target.Short {
			t.Errorf("no request of these kinds was complete: %q", kinds)
		}
		t.Logf("seed %d\n%s", *seed, results.table())
	}()
	var queue []*failpoints.Failpoint
	for number, deadline := 0, time.Now().Add(*duration); number == 0 || time.Now().Before(deadline) && !t.Failed(); number++ {
		if len(queue) == 0 {
			queue = shuffled(random, chosen)
		}
		s.t.Logf("round %d: %s", number, (&round{failpoint: queue[0]}).failpointName())
		(&round{system: s, number: number, random: random, target: target, failpoint: queue[0], depot: depot, report: results}).play(t.Context())
		queue = queue[1:]
	}
}

// shuffled returns each chosen failpoint once, and nil once for a round without a failpoint, in random order.
func shuffled(random *rand.Rand, chosen *regexp.Regexp) []*failpoints.Failpoint {
	var queue []*failpoints.Failpoint
	for i := range failpoints.All {
		if f := &failpoints.All[i]; chosen.MatchString(f.Name) {
			queue = append(queue, f)
		}
	}
	if len(queue) == 0 || chosen.MatchString("") {
		queue = append(queue, nil)
	}
	random.Shuffle(len(queue), func(i, j int) { queue[i], queue[j] = queue[j], queue[i] })
	return queue
}
