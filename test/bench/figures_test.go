// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// side is one of the systems that are compared.
type side string

const (
	docker     side = "docker"
	relayed    side = "relay"
	standalone side = "ours"
	aggregated side = "aggregated"
	stored     side = "stored"
)

var sides = []side{docker, relayed, standalone, aggregated, stored}

// ratios are the ratios that the table shows.
var ratios = []string{"ours/docker", "ours/relay", "ours/stored"}

// unit is the unit of a figure.
type unit string

const (
	milliseconds unit = "ms"
	kilobytes    unit = "KB"
	megabytes    unit = "MB"
	microseconds unit = "µs"
	percent      unit = "%"
	perSecond    unit = "/s"
	bandwidth    unit = "MB/s"
	plain        unit = ""
)

// figure holds the samples of one measurement for each side.
type figure struct {
	name    string
	unit    unit
	samples map[side][]float64
	sorted  map[side][]float64 // sorted samples, kept by inOrder
}

// figures holds all figures in the order of their first samples.
type figures struct {
	mu  sync.Mutex
	all []*figure
}

func (f *figures) of(name string) *figure {
	i := slices.IndexFunc(f.all, func(f *figure) bool { return f.name == name })
	if i < 0 {
		return nil
	}
	return f.all[i]
}

// add adds samples of one side to a figure.
func (f *figures) add(name string, in unit, of side, samples ...float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := f.of(name)
	if found == nil {
		found = &figure{name: name, unit: in, samples: map[side][]float64{}, sorted: map[side][]float64{}}
		f.all = append(f.all, found)
	}
	found.samples[of] = append(found.samples[of], samples...)
	delete(found.sorted, of)
}

// took adds a duration to a figure in milliseconds.
func (f *figures) took(name string, of side, duration time.Duration) {
	f.add(name, milliseconds, of, duration.Seconds()*1000)
}

// percentile returns the p-th percentile of sorted samples by the nearest-rank method. It returns NaN if there are no samples.
func percentile(p int, sorted []float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

// inOrder returns the sorted samples. It keeps the result, because there can be millions of samples.
func (f *figure) inOrder(of side) []float64 {
	if _, ok := f.sorted[of]; !ok {
		f.sorted[of] = slices.Sorted(slices.Values(f.samples[of]))
	}
	return f.sorted[of]
}

func (f *figure) median(of side) float64 { return percentile(50, f.inOrder(of)) }

func (f *figure) p99(of side) float64 { return percentile(99, f.inOrder(of)) }

// later returns, for each round of both sides, how much later one side was than the other.
func (f *figure) later(one, other side) []float64 {
	var result []float64
	for i := range min(len(f.samples[one]), len(f.samples[other])) {
		result = append(result, f.samples[one][i]-f.samples[other][i])
	}
	return result
}

// goal is a limit for the figures whose names have a prefix.
type goal struct {
	figure string
	text   string
	of     func(*figure) float64
	atMost bool
	limit  float64
}

func (g goal) met(value float64) bool {
	if g.atMost {
		return value <= g.limit
	}
	return value >= g.limit
}

func ratio(one, other side) func(*figure) float64 {
	return func(f *figure) float64 { return f.median(one) / f.median(other) }
}

func most(figure, text string, limit float64, of func(*figure) float64) goal {
	return goal{figure, text, of, true, limit}
}

func least(figure, text string, limit float64, of func(*figure) float64) goal {
	return goal{figure, text, of, false, limit}
}

func medianOf(s side) func(*figure) float64 {
	return func(f *figure) float64 { return f.median(s) }
}

func laterBy(p int) func(*figure) float64 {
	return func(f *figure) float64 {
		return percentile(p, slices.Sorted(slices.Values(f.later(standalone, docker))))
	}
}

// line is one figure in the JSON output.
type line struct {
	Figure string             `json:"figure"`
	Unit   string             `json:"unit"`
	Count  map[side]int       `json:"count"`
	Median map[side]float64   `json:"median"`
	P99    map[side]float64   `json:"p99"`
	Ratios map[string]float64 `json:"ratios,omitempty"`
	Goals  []verdict          `json:"goals,omitempty"`
}

// verdict is a goal and whether it is met.
type verdict struct {
	Goal     string  `json:"goal"`
	Measured float64 `json:"measured"`
	Met      bool    `json:"met"`
}

// lines returns the figures with their ratios and goals.
func (f *figures) lines() []line {
	f.mu.Lock()
	defer f.mu.Unlock()
	var result []line
	for _, figure := range f.all {
		l := line{Figure: figure.name, Unit: string(figure.unit),
			Count: map[side]int{}, Median: map[side]float64{}, P99: map[side]float64{}, Ratios: map[string]float64{}}
		for of, samples := range figure.samples {
			l.Count[of], l.Median[of], l.P99[of] = len(samples), figure.median(of), figure.p99(of)
		}
		for _, pair := range [][2]side{{standalone, docker}, {standalone, relayed}, {standalone, stored}, {aggregated, stored}} {
			if r := ratio(pair[0], pair[1])(figure); r > 0 && !math.IsInf(r, 0) { // no ratio to a time that is zero or negative, as of an event that came before its call returned
				l.Ratios[string(pair[0]+"/"+pair[1])] = r
			}
		}
		for _, g := range goals {
			if !strings.HasPrefix(figure.name, g.figure) {
				continue
			}
			if measured := g.of(figure); !math.IsNaN(measured) {
				l.Goals = append(l.Goals, verdict{g.text, measured, g.met(measured)})
			}
		}
		result = append(result, l)
	}
	return result
}

// String returns the table: a line for each figure, and another line for each additional goal of it.
func (f *figures) String() string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "figure, median / p99\t")
	for _, s := range sides {
		fmt.Fprintf(w, "%s\t", s)
	}
	fmt.Fprintln(w, strings.Join(ratios, "\t")+"\tgoal\tmeasured\t")
	for _, l := range f.lines() {
		fmt.Fprintf(w, "%s\t", strings.TrimSpace(l.Figure+" "+l.Unit))
		for _, s := range sides {
			switch {
			case l.Count[s] == 0:
				fmt.Fprint(w, "\t")
			case l.Count[s] == 1:
				fmt.Fprintf(w, "%s\t", short(l.Median[s]))
			default:
				fmt.Fprintf(w, "%s / %s\t", short(l.Median[s]), short(l.P99[s]))
			}
		}
		for _, pair := range ratios {
			if r, ok := l.Ratios[pair]; ok {
				fmt.Fprint(w, short(r))
			}
			fmt.Fprint(w, "\t")
		}
		for i, v := range l.Goals {
			if i > 0 {
				fmt.Fprint(w, strings.Repeat("\t", 1+len(sides)+len(ratios)))
			}
			fmt.Fprintf(w, "%s\t%s %s\t\n", v.Goal, short(v.Measured), map[bool]string{true: "met", false: "MISSED"}[v.Met])
		}
		if len(l.Goals) == 0 {
			fmt.Fprintln(w, "\t\t")
		}
	}
	w.Flush()
	return text.String()
}

// short formats a number with about three significant digits.
func short(x float64) string {
	switch {
	case math.Abs(x) >= 100:
		return fmt.Sprintf("%.0f", x)
	case math.Abs(x) >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// write writes the figures to a file as JSON.
func (f *figures) write(path string, about map[string]string) error {
	content, err := json.MarshalIndent(map[string]any{"about": about, "figures": f.lines()}, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the figures: %w", err)
	}
	return os.WriteFile(path, append(content, '\n'), 0o644)
}
