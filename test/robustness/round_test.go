// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package robustness

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/checkers"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/clients"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/failpoints"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/traffic"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

const (
	// writers is the number of writers, names the number of names that they use for each kind.
	writers, names = 4, 12
	// calm is how long traffic runs before and after a failpoint.
	calm = 2 * time.Second
	// resyncPeriod is short, so that every round has a comparison with Docker.
	resyncPeriod = 6 * time.Second

	differencesMetric = "engine_apiserver_comparison_differences_total"
)

// round runs traffic and clients, injects at most one failpoint, and then checks everything that the clients saw.
type round struct {
	*system
	number    int
	random    *rand.Rand
	target    *failpoints.Target
	failpoint *failpoints.Failpoint
	recorder  *history.Recorder
	traffic   *traffic.Traffic
	stage     *clients.Stage
	depot     *clients.Depot
	blocks    *blocks
	log       bytes.Buffer
	report    *report
}

func (r *round) play(ctx context.Context) {
	r.t.Helper()
	r.recorder = history.NewRecorder()
	r.blocks = newBlocks(r.recorder.Now)
	r.proxy.Reset()
	r.proxy.Time(r.blocks.observe)
	differences, run, printed := r.differences(ctx), r.run.Load(), len(r.process.Output())
	r.target.Prefix = fmt.Sprintf("r%d", r.number)
	var err error
	r.traffic, err = traffic.Start(traffic.Config{
		Docker: r.engine.Client(), API: r.clients.ContainersV1alpha1(), Namespace: testserver.Namespace, Prefix: r.target.Prefix,
		Recorder: r.recorder, Seed: r.random.Uint64(), Writers: writers, Names: names, Log: &r.log,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	clientCtx, stopClients := context.WithCancel(ctx)
	defer stopClients()
	informers, wait := r.startClients(clientCtx)
	stopStreams := r.startStreams(ctx)
	stopRequests := r.startRequests(ctx)
	stopCreations := r.startCreations(ctx)
	r.phase("started")
	failing := r.fail(ctx)
	r.phase("failpoint")
	r.traffic.Stop()
	r.phase("traffic's end")
	stopStreams()
	r.phase("end of the streams")
	stopRequests()
	r.phase("end of the pulls and pushes")
	stopCreations()
	r.phase("end of the creations")
	r.checkOutput() // a crashed server would never converge
	r.converge(ctx, informers)
	r.phase("converging")
	stopClients()
	wait()
	for _, i := range informers {
		i.Wait()
	}
	r.phase("clients' end")
	r.report.add(clean, r.cleared(ctx))
	r.check(ctx, failing)
	r.phase("checks")

	r.report.add(selfCheck, r.explained(r.differences(ctx)-differences, r.run.Load() == run, printed))
	r.checkOutput()
	r.empty(ctx)
}

func (r *round) phase(name string) { r.t.Logf("%8.2fs %s", r.recorder.Now().Seconds(), name) }

// span is a period of a history.
type span struct{ from, to time.Duration }

// fail injects the failpoint during the traffic and recovers from it. It returns the period in which the fault lasted.
func (r *round) fail(ctx context.Context) span {
	r.t.Helper()
	sleep(ctx, calm)
	if r.failpoint == nil {
		sleep(ctx, calm)
		return span{}
	}
	hold := r.failpoint.Hold
	if r.target.Short {
		hold = r.failpoint.HoldShort
	}
	began := r.recorder.Now()
	recover, err := r.failpoint.Inject(ctx, r.target)
	if err != nil {
		r.t.Fatalf("%s: %v", r.failpoint.Name, err)
	}
	sleep(ctx, hold)
	if err := recover(); err != nil {
		r.t.Fatalf("%s: recovering: %v", r.failpoint.Name, err)
	}
	r.awaitServing(ctx)
	r.report.injected[r.failpoint.Name]++
	ended := r.recorder.Now()
	sleep(ctx, calm)
	return span{began, ended}
}

func sleep(ctx context.Context, duration time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(duration):
	}
}

// newClient returns a client with a seed of its own.
func (r *round) newClient(name string) *clients.Client {
	return &clients.Client{
		Server: clients.Server{API: r.clients.ContainersV1alpha1(), Namespace: testserver.Namespace, Run: func() int { return int(r.run.Load()) }},
		Name:   name, Recorder: r.recorder, Random: rand.New(rand.NewPCG(r.random.Uint64(), 0)),
	}
}

// startClients starts the clients that read and watch. The function that it returns waits for their end.
func (r *round) startClients(ctx context.Context) ([]*clients.Informers, func()) {
	r.t.Helper()
	var group sync.WaitGroup
	start := func(name string, do func(*clients.Client)) {
		client := r.newClient(name)
		group.Go(func() { do(client) })
	}
	for _, resource := range clients.Resources {
		for _, f := range []clients.Following{
			{Resource: resource},
			{Resource: resource, Anywhere: true},
			{Resource: resource, Initial: true},
			{Resource: resource, Initial: true, LabelSelector: "team in (a,b)"},
			{Resource: resource, LabelSelector: "team=a", Anywhere: true},
		} {
			start(fmt.Sprintf("follower of %+v", f), func(c *clients.Client) { c.Follow(ctx, f) })
		}
		start("pager of "+resource, func(c *clients.Client) { c.Page(ctx, resource) })
	}
	for _, selector := range []string{"status.status=running", "spec.state!=created", "status.status=exited"} {
		start("follower of "+selector, func(c *clients.Client) {
			c.Follow(ctx, clients.Following{Resource: "containers", FieldSelector: selector})
		})
	}
	for i := range 3 {
		start(fmt.Sprintf("reader %d", i), func(c *clients.Client) { c.Read(ctx, r.traffic) })
	}
	var informers []*clients.Informers
	for range 2 {
		i, err := clients.StartInformers(ctx, r.client(), testserver.Namespace)
		if err != nil {
			r.t.Fatal(err)
		}
		informers = append(informers, i)
	}
	return informers, group.Wait
}

// converge waits until every informer holds what Docker holds. It reports the differences that remain after patience.
func (r *round) converge(ctx context.Context, informers []*clients.Informers) {
	deadline := time.Now().Add(patience)
	for {
		result, err := r.compare(ctx, informers)
		late := time.Now().After(deadline)
		if err != nil && late {
			r.t.Fatalf("reading the state of Docker: %v", err)
		}
		if err == nil && (len(result.Violations) == 0 || late) {
			r.report.add(converging, result)
			return
		}
		sleep(ctx, 100*time.Millisecond)
	}
}

func (r *round) compare(ctx context.Context, informers []*clients.Informers) (result checkers.Result, err error) {
	want, err := truth(ctx, r.engine.Client())
	if err != nil {
		return result, err
	}
	for number, i := range informers {
		for _, resource := range clients.Resources {
			result.Add(checkers.Converging(fmt.Sprintf("informer %d of %s", number, resource), facts(i.Stored(resource)), want[resource]))
		}
	}
	again, err := truth(ctx, r.engine.Client())
	if err == nil && !maps.EqualFunc(want, again, func(a, b checkers.Facts) bool { return maps.EqualFunc(a, b, maps.Equal) }) {
		return result, fmt.Errorf("the state of Docker still changes")
	}
	return result, err
}

// check runs every checker on the history of the round.
func (r *round) check(ctx context.Context, failing span) {
	r.t.Helper()
	h := r.recorder.History()
	r.fillLogs(ctx, h)
	judgeable := r.blocks.judgeable(h.Operations)
	r.report.counts[allReads] += readsIn(h.Operations)
	r.report.counts[uncheckedReads] += int64(len(h.Operations) - len(judgeable))
	h.Operations = r.traffic.Untainted(judgeable)
	if r.failpoint != nil {
		if r.failpoint.Blind {
			h.Operations = blinded(h.Operations, failing)
			blindRequests(h.Requests, failing)
			blindCreations(h.Creations, failing)
		}
		h.Operations = append(h.Operations, r.deaths(h.Operations, failing)...)
	}
	violated := false
	for _, checker := range checkers.All {
		result := checker.Check(h)
		r.report.add(checker.Name, result)
		violated = violated || len(result.Violations) > 0
	}
	r.report.counts["operations done or refused"] += r.traffic.Made.Load()
	r.report.counts["operations of unknown outcome"] += r.traffic.Failed.Load()
	r.report.counts["watches"] += int64(len(h.Watches))
	for _, stream := range h.Streams {
		r.report.counts[streamsOf(stream)]++
	}
	for _, request := range h.Requests {
		r.report.counts[requestsOf(request)]++
	}
	for _, creation := range h.Creations {
		r.report.counts[creationsOf(creation)]++
	}
	r.report.counts["consistent lists"] += int64(len(h.Lists))
	for _, w := range h.Watches {
		r.report.counts["watch events"] += int64(len(w.Events))
	}
	if violated {
		dir := filepath.Join(*keep, fmt.Sprintf("robustness-%d-%d", *seed, r.number))
		if err := keepHistory(dir, h, r.log.Bytes()); err != nil {
			r.t.Error(err)
		}
		r.t.Errorf("round %d: see the histories in %s", r.number, dir)
	}
}

// blinded adjusts operations of a period in which the server showed another engine. It drops reads, and marks writes as Maybe,
// because they may have changed the other engine.
func blinded(operations []history.Operation, blind span) (telling []history.Operation) {
	for _, o := range operations {
		if o.Return >= blind.from && o.Call <= blind.to {
			if o.Action == history.Read {
				continue
			}
			if o.Outcome == history.Done {
				o.Outcome = history.Maybe
			}
		}
		telling = append(telling, o)
	}
	return telling
}

// deaths returns, for each container, an operation for its end that the failpoint may have caused.
func (r *round) deaths(operations []history.Operation, failing span) (deaths []history.Operation) {
	registers := map[string]bool{}
	for _, o := range operations {
		if o.Kind == checkers.ContainerStatus && !registers[o.Register] {
			registers[o.Register] = true
			deaths = append(deaths, history.Operation{Client: r.failpoint.Name, Kind: o.Kind, Register: o.Register, Action: checkers.Die,
				Call: failing.from, Return: failing.to, Outcome: history.Maybe})
		}
	}
	return deaths
}

func (r *round) differences(ctx context.Context) float64 {
	r.t.Helper()
	counted, err := r.metric(ctx, differencesMetric)
	if err != nil {
		r.t.Fatal(err)
	}
	return counted
}

// explained checks the number of differences that comparisons have found in this round. It checks nothing if the server was
// restarted, because its counter starts at 0 again, or if the failpoint explains differences. Slow removals are no violations. printed
// is how many bytes the server had printed before the round.
func (r *round) explained(differences float64, sameRun bool, printed int) checkers.Result {
	result := checkers.Result{Checks: 1}
	if !sameRun || r.failpoint != nil && r.failpoint.Explains {
		return checkers.Result{}
	}
	if differences > float64(r.blocks.removalsIn(r.process.Output()[printed:])) {
		result.Violations = []string{fmt.Sprintf("round %d, %s: %v differences", r.number, r.failpointName(), differences)}
	}
	return result
}

func (r *round) failpointName() string {
	if r.failpoint == nil {
		return "no failpoint"
	}
	return r.failpoint.Name
}
