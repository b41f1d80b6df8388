// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

var read = time.Date(2026, 1, 2, 3, 4, 5, 5e8, time.UTC)

// used returns a sample of a container that has used so much processor time.
func used(at time.Time, nanos uint64) *Sample { return &Sample{Read: at, CPU: &nanos} }

func TestProcessorTimeIsTheDifferenceOfTwoSamples(t *testing.T) {
	later := read.Add(10 * time.Second)
	for what, test := range map[string]struct {
		older, latest *Sample
		cpu, window   string
	}{
		"none":                       {used(read, 5), used(later, 5), "0", "10s"},
		"a quarter of a processor":   {used(read, 1e9), used(later, 35e8), "250m", "10s"},
		"several processors":         {used(read, 0), used(later, 25e9), "2500m", "10s"},
		"little":                     {used(read, 1), used(later, 12346), "1234n", "10s"},
		"a window with a fraction":   {used(read, 0), used(read.Add(14987654321), 14987654321), "1", "14.988s"},
		"a counter that fell":        {used(read, 1e9), used(later, 1), "", ""},
		"a clock that was set back":  {used(later, 1), used(read, 1e9), "", ""},
		"the same sample again":      {used(read, 1), used(read, 1), "", ""},
		"the first sample":           {nil, used(later, 1), "", ""},
		"an engine that tells none":  {&Sample{Read: read}, &Sample{Read: later}, "", ""},
		"one that tells it too late": {&Sample{Read: read}, used(later, 1), "", ""},
		"one that no longer tells":   {used(read, 1), &Sample{Read: later}, "", ""},
		"more than can be":           {used(read, 0), used(read.Add(1), math.MaxUint64), "", ""},
		"more than fits":             {used(read, 0), used(read.Add(15e8), math.MaxUint64), "9223372036854775807n", "1.5s"},
	} {
		m := metricsOf(container(1), test.older, test.latest)
		cpu, window := "", ""
		if m.Usage.CPU != nil {
			cpu, window = m.Usage.CPU.String(), m.Window.Duration.String()
		}
		if cpu != test.cpu || window != test.window {
			t.Errorf("%s: %q over %q, want %q over %q", what, cpu, window, test.cpu, test.window)
		}
	}
}

func TestMetricsShowASample(t *testing.T) {
	sample, err := Parse([]byte(withCgroups1))
	dockertest.Must(t, err)
	c := container(1)
	c.Labels, c.Created = map[string]string{"tier": "front"}, metav1.NewTime(read.Add(-time.Hour).Truncate(time.Second))
	text, err := json.Marshal(metricsOf(c, used(read.Add(-2*time.Second), 0), sample))
	dockertest.Must(t, err)
	var got, want any
	dockertest.Must(t, json.Unmarshal(text, &got))
	dockertest.Must(t, json.Unmarshal([]byte(`{
		"metadata": {"name": "c1", "namespace": "engine", "uid": "`+string(uidOf(c))+`", "labels": {"tier": "front"}, "creationTimestamp": "2026-01-02T02:04:05Z"},
		"id": "`+id(1)+`", "timestamp": "2026-01-02T03:04:05Z", "window": "2s",
		"usage": {"cpu": "500n", "memory": "4000"}, "limits": {"cpu": "2", "memory": "100000"},
		"network": {"rxBytes": 77, "txBytes": 88}, "blockIO": {"readBytes": 101, "writeBytes": 20}, "pids": 3
	}`), &want))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatTheEngineDoesNotTellIsAbsent(t *testing.T) {
	text, err := json.Marshal(metricsOf(Container{ID: "1", Namespace: "engine", Name: "web"}, nil, &Sample{Read: read}))
	dockertest.Must(t, err)
	var got map[string]any
	dockertest.Must(t, json.Unmarshal(text, &got))
	delete(got, "metadata")
	want := map[string]any{"id": "1", "timestamp": "2026-01-02T03:04:05Z", "usage": map[string]any{}, "limits": map[string]any{}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheLimitOfAContainerGoesBeforeThatOfTheHost(t *testing.T) {
	c, processors := container(1), uint64(8)
	c.CPU = resource.NewMilliQuantity(1500, resource.DecimalSI)
	if got := metricsOf(c, nil, &Sample{Read: read, Processors: &processors}).Limits.CPU.String(); got != "1500m" {
		t.Errorf("the limit is %s", got)
	}
}

func TestTheUIDIsThatOfTheContainer(t *testing.T) {
	first, second := container(1), container(1)
	second.Started = metav1.NewTime(read)
	if uidOf(first) != uidOf(second) || uidOf(first) == uidOf(container(2)) {
		t.Error("the uid is not that of the container")
	}
}
