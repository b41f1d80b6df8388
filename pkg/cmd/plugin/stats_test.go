// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func quantity(text string) *resource.Quantity {
	parsed := resource.MustParse(text)
	return &parsed
}

// newMetrics returns the metrics of a container that was made some hours before.
func newMetrics(id, name string, hours int) *v1alpha1.ContainerMetrics {
	return &v1alpha1.ContainerMetrics{
		ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(time.Unix(1e9, 0).Add(-time.Duration(hours) * time.Hour))},
		ID:         id,
		Usage:      v1alpha1.ContainerMetricsResources{CPU: quantity("123456789n"), Memory: quantity("7656Ki")},
		Limits:     v1alpha1.ContainerMetricsResources{CPU: quantity("2"), Memory: quantity("64Mi")},
		Network:    &v1alpha1.ContainerMetricsNetwork{RxBytes: 1048, TxBytes: 726},
		BlockIO:    &v1alpha1.ContainerMetricsBlockIO{ReadBytes: 12_345_678, WriteBytes: 0},
		Pids:       new(int64(3)),
	}
}

func TestTheTableOfStatsIsThatOfDocker(t *testing.T) {
	silent := &v1alpha1.ContainerMetrics{ID: "fedcba9876543210"}
	rows := []statsRow{
		{"0123456789abcdef", "0123456789abcdef", "web", newMetrics("0123456789abcdef", "web", 1)},
		{"db", "fedcba9876543210", "db", silent},
		{"off", "aaaaaaaaaaaaaaaa", "off", nil},
	}
	for format, want := range map[string]string{
		"": `CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT   MEM %     NET I/O         BLOCK I/O     PIDS
0123456789ab   web       12.35%    7.477MiB / 64MiB    11.68%    1.05kB / 726B   12.3MB / 0B   3
fedcba987654   db        --        -- / --             --        --              --            --
aaaaaaaaaaaa   off       --        -- / --             --        --              --            --
`,
		"{{.Container}}:{{.Name}}:{{.CPUPerc}}": "0123456789abcdef:web:12.35%\ndb:db:--\noff:off:--\n",
	} {
		var printed bytes.Buffer
		if err := writeStats(&printed, format, false, rows); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, printed.String()); diff != "" {
			t.Errorf("%q:\n%s", format, diff)
		}
	}
}

func TestStatsShowTheContainersThatWereAskedFor(t *testing.T) {
	metrics := []*v1alpha1.ContainerMetrics{newMetrics("1", "old", 3), newMetrics("2", "new", 1), newMetrics("3", "b", 2), newMetrics("4", "a", 2)}
	var all []*v1alpha1.Container
	for _, m := range metrics {
		c := &v1alpha1.Container{ObjectMeta: m.ObjectMeta, Status: v1alpha1.ContainerStatus{ID: m.ID}}
		all = append(all, c)
	}
	stopped := &v1alpha1.Container{ObjectMeta: metav1.ObjectMeta{Name: "stopped", CreationTimestamp: metav1.NewTime(time.Unix(2e9, 0))}, Status: v1alpha1.ContainerStatus{ID: "5"}}
	all = append(all, stopped)
	for what, test := range map[string]struct {
		stats shownStats
		want  []string
	}{
		"running":   {shownStats{stats: &stats{}}, []string{"new", "a", "b", "old"}},
		"all":       {shownStats{stats: &stats{all: true}}, []string{"stopped -", "new", "a", "b", "old"}},
		"some":      {shownStats{stats: &stats{}, named: []statsRow{{id: "5", name: "stopped"}, {id: "2", name: "another name before"}}}, []string{"stopped -", "new"}},
		"some, all": {shownStats{stats: &stats{all: true}, named: []statsRow{{id: "1"}}}, []string{"old"}},
	} {
		var got []string
		for _, row := range test.stats.rows(metrics, all) {
			if row.metrics == nil {
				row.name += " -"
			}
			got = append(got, row.name)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}
