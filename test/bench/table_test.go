// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// table holds what was measured, a pair of Docker's time and the server's for each round.
type table struct {
	title string
	rows  []*row
}

type row struct {
	name                   string
	docker, server, differ []time.Duration
}

func newTable(title string) *table { return &table{title: title} }

func (t *table) add(name string, docker, server time.Duration) {
	i := slices.IndexFunc(t.rows, func(r *row) bool { return r.name == name })
	if i < 0 {
		i = len(t.rows)
		t.rows = append(t.rows, &row{name: name})
	}
	r := t.rows[i]
	r.docker = append(r.docker, docker)
	r.server = append(r.server, server)
	r.differ = append(r.differ, server-docker)
}

// percentile returns the smallest duration that p percent of all do not exceed.
func percentile(p int, all []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(all))[max(0, (len(all)*p+99)/100-1)]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// report adds the table's figures to the benchmark's.
func (t *table) report(b *testing.B) {
	for _, r := range t.rows {
		for _, column := range []struct {
			name string
			of   []time.Duration
		}{{"docker", r.docker}, {"server", r.server}, {"difference", r.differ}} {
			for unit, p := range map[string]int{"median-ms": 50, "p99-ms": 99} {
				name := strings.ReplaceAll(r.name, " ", "-")
				b.ReportMetric(milliseconds(percentile(p, column.of)), fmt.Sprintf("%s-%s-%s", name, column.name, unit))
			}
		}
	}
}

// String shows milliseconds.
func (t *table) String() string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\tn\tdocker median\tp99\tserver median\tp99\tdifference median\tp99\t\n")
	for _, r := range t.rows {
		fmt.Fprintf(w, "%s\t%d\t", r.name, len(r.docker))
		for _, column := range [][]time.Duration{r.docker, r.server, r.differ} {
			fmt.Fprintf(w, "%.2f\t%.2f\t", milliseconds(percentile(50, column)), milliseconds(percentile(99, column)))
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return fmt.Sprintf("\n%s, in ms:\n%s", t.title, text.String())
}
