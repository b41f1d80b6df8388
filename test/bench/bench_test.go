// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bench_test compares the server with the Docker Engine that it shows, and with the same objects stored as custom
// resources in a Kubernetes control plane. The sides take turns in rounds. The server, the engine and the control plane are
// processes of their own, and the test process is only their client.
package bench_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/test/controlplane"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/registry"
)

var (
	binary   = flag.String("program", "", "server binary to measure; empty builds one from the sources")
	output   = flag.String("output", "", "file for the figures as JSON")
	profiles = flag.String("profiles", "", "directory for profiles of the server, which are taken while the rows are measured")
	only     = flag.String("only", "", "rows to measure, as comma-separated prefixes of their names; empty means all")
)

// sizes are the sizes of a measurement.
type sizes struct {
	containers, some, images, volumes int // objects in the engine; the first some containers come before the others
	labels                            int
	changes, gets, lists, rewrites    int // numbers of rounds
	fewestLists                       int // least number of rounds of lists, even if they take longer than listing
	lives, created, removed, starts   int
	besideContainers, besideVolumes   int
	listing, fromMemory, idle         time.Duration
	watchers, perSecond               int
	watching, sampling                time.Duration
	curve                             []int
	moments, transfers                int // numbers of rounds of streams: of those that are short, and of those that carry much
	logged, archived, forwarded       int // megabytes that a stream carries
	pulled, layers, pulls             int // megabytes and layers of an image, and rounds of its pull
	pullWatchers, watchedPulls        int
	pulling                           time.Duration // least time of a pull that is watched
	listedImages                      int
}

var (
	full = sizes{
		containers: 1000, some: 500, images: 200, volumes: 500, labels: 30,
		changes: 30, gets: 500, lists: 30, fewestLists: 10, rewrites: 25,
		lives: 5, created: 200, removed: 700, starts: 3,
		besideContainers: 100, besideVolumes: 200,
		listing: 20 * time.Second, fromMemory: 5 * time.Second, idle: 100 * time.Second, // long enough for the periodic comparison of one kind
		watchers: 1000, perSecond: 100, watching: 60 * time.Second, sampling: 60 * time.Second,
		curve:   []int{100, 1000, 10_000, 100_000},
		moments: 100, transfers: 5,
		logged: 200, archived: 500, forwarded: 500,
		pulled: 500, layers: 8, pulls: 7,
		pullWatchers: 100, watchedPulls: 3, pulling: 20 * time.Second,
		listedImages: 1000,
	}
	small = sizes{
		containers: 4, some: 2, images: 2, volumes: 2, labels: 30,
		changes: 1, gets: 2, lists: 2, fewestLists: 2, rewrites: 1,
		lives: 1, created: 2, removed: 3, starts: 1,
		besideContainers: 2, besideVolumes: 2,
		fromMemory: 50 * time.Millisecond, idle: 50 * time.Millisecond,
		watchers: 10, perSecond: 20, watching: 500 * time.Millisecond, sampling: 50 * time.Millisecond,
		curve:   []int{10, 100},
		moments: 2, transfers: 1,
		logged: 1, archived: 1, forwarded: 1,
		pulled: 1, layers: 8, pulls: 1,
		pullWatchers: 10, watchedPulls: 1, pulling: 600 * time.Millisecond,
		listedImages: 4,
	}
)

// setting holds the programs that are measured and the figures.
type setting struct {
	testing.TB
	*figures
	sizes
	program, stateDir string
	port              int
	engine            *engine.Engine
	docker            endpoint
	server            *process
	plane             *controlplane.ControlPlane
	stored            *cluster
	behind            *process           // the server behind the control plane
	registry          *registry.Registry // holds the image that is pulled
	rounds            int
}

// row is a part of the table.
type row struct {
	name    string
	measure func(*setting)
	needs   []string // rows that must run before it
}

// rows are measured in this order, because some of them fill the engine for later rows.
var rows = []row{
	{"curve", (*setting).curve, nil},
	{"start empty", (*setting).startEmpty, nil},
	{"lives", (*setting).eventsPerLife, started},
	{"changes empty", (*setting).changesNow, started},
	{"watchers", (*setting).watchersUnderLoad, started},
	{"relayed changes empty", (*setting).changesRelayed, started},
	{"burst of creates", (*setting).burstOfCreates, started},
	{"burst beside readers", (*setting).burstBesideReaders, started},
	{"stream logs", (*setting).logs, started},
	{"stream commands", (*setting).commands, started},
	{"stream ports", (*setting).ports, started},
	{"stream archives", (*setting).archives, started},
	{"creations", (*setting).creations, started},
	{"image pulls", (*setting).pullsOfAnImage, started},
	{"image pull watchers", (*setting).pullsWithWatchers, started},
	{"image lists", (*setting).listsOfImages, started},
	{"fill some", (*setting).fillSome, started},
	{"aggregate", (*setting).startAggregated, filledSome},
	{"memory lists", (*setting).listFromMemory, behind},
	{"fill containers", (*setting).fillContainers, filledSome},
	{"memory of containers", (*setting).memoryOfContainers, []string{"start empty", "fill some", "fill containers"}},
	{"fill all", (*setting).fillRest, filledSome},
	{"gets", (*setting).liveGets, behind},
	{"lists", (*setting).liveLists, behind},
	{"changes aggregated", (*setting).changesBehind, behind},
	{"separate", (*setting).stopAggregated, behind},
	{"changes full", (*setting).changesNow, filledAll},
	{"relayed changes full", (*setting).changesRelayed, filledAll},
	{"writes", (*setting).writes, started},
	{"idle", (*setting).idleCPU, filledAll},
	{"metrics", (*setting).metricsOfContainers, filledSome},
	{"start full", (*setting).startFull, filledAll},
	{"burst of removals", (*setting).burstOfRemovals, filledAll},
}

var (
	started    = []string{"start empty"}
	filledSome = []string{"start empty", "fill some"}
	filledAll  = []string{"start empty", "fill some", "fill containers", "fill all"}
	behind     = []string{"start empty", "fill some", "aggregate", "fill containers", "fill all", "separate"}
)

// Benchmark measures every row once. The numbers of rounds are fixed, because the work takes too long to let the testing package
// find them. With -short it only runs each row with tiny sizes.
func Benchmark(b *testing.B) {
	s := full
	if testing.Short() {
		s = small
	}
	for b.Loop() {
		measure(b, s, *output)
	}
}

// TestTheBenchmarkRuns checks that there is a figure for every goal. It does not check whether the goals are met.
func TestTheBenchmarkRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "figures.json")
	table := measure(t, small, path)
	for _, g := range goals {
		found := false
		for _, l := range table.lines() {
			for _, v := range l.Goals {
				found = found || strings.HasPrefix(l.Figure, g.figure) && v.Goal == g.text
			}
		}
		if !found {
			t.Errorf("nothing was measured for the goal %q of %q", g.text, g.figure)
		}
	}
	if content, err := os.ReadFile(path); err != nil || !strings.Contains(string(content), `"live get of a container"`) {
		t.Errorf("the figures as JSON: %v\n%s", err, content)
	}
}

func measure(tb testing.TB, sizes sizes, output string) *figures {
	eng := engine.StartFor(tb)
	version, err := eng.Client().ServerVersion(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	s := &setting{TB: tb, figures: &figures{}, sizes: sizes, program: program(tb), stateDir: tb.TempDir(), port: freePort(tb), engine: eng,
		docker: endpoint{eng.Client().HTTPClient(), "http://docker/v" + version.APIVersion}}
	s.plane, s.stored = newStored(tb)
	began := time.Now()
	for _, r := range rows {
		if !wanted(r.name) {
			continue
		}
		s.rounds = 0
		begun := time.Now()
		s.profiled(r)
		tb.Logf("%s: %s", r.name, time.Since(begun).Round(time.Millisecond))
	}
	about := map[string]string{
		"engine":  "dockerd " + version.Version + ", API " + version.APIVersion,
		"machine": fmt.Sprintf("%d x %s, %s/%s, %s", runtime.NumCPU(), processor(), runtime.GOOS, runtime.GOARCH, runtime.Version()),
		"load":    loadAverage(),
		"took":    time.Since(began).Round(time.Second).String(),
	}
	fmt.Printf("\n%s\n", s.figures)
	for _, key := range []string{"engine", "machine", "load", "took"} {
		fmt.Printf("%s: %s\n", key, about[key])
	}
	if output != "" {
		if err := s.write(output, about); err != nil {
			tb.Fatal(err)
		}
		fmt.Printf("as JSON: %s\n", output)
	}
	return s.figures
}

// wanted reports whether the row was selected by -only, or is needed by a selected row.
func wanted(name string) bool {
	for _, prefix := range strings.Split(*only, ",") {
		for _, r := range rows {
			if strings.HasPrefix(r.name, prefix) && (r.name == name || slices.Contains(r.needs, name)) {
				return true
			}
		}
	}
	return false
}

// turns makes the calls of one round. The first call changes from round to round, so that no side is always first.
func (s *setting) turns(calls ...func() error) {
	s.Helper()
	s.rounds++
	for i := range calls {
		if err := calls[(i+s.rounds)%len(calls)](); err != nil {
			s.Fatal(err)
		}
	}
}

// timed returns a call that adds its own duration to a figure.
func (s *setting) timed(figure string, of side, call func() error) func() error {
	return func() error {
		begun := time.Now()
		err := call()
		s.took(figure, of, time.Since(begun))
		return err
	}
}

func processor() string {
	content, _ := os.ReadFile("/proc/cpuinfo")
	_, rest, _ := strings.Cut(string(content), "model name")
	name, _, _ := strings.Cut(strings.TrimLeft(rest, "\t: "), "\n")
	return name
}

func loadAverage() string {
	content, _ := os.ReadFile("/proc/loadavg")
	return "load average at the end " + strings.TrimSpace(string(content))
}
