// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package resourcemetrics

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/stats"
)

// scrape returns what Prometheus reads.
func scrape(t *testing.T, notReady error, started []stats.Container, measured ...stats.Measured) string {
	t.Helper()
	answer := httptest.NewRecorder()
	Handler{
		Ready:    func(context.Context) error { return notReady },
		Measured: func() []stats.Measured { return measured },
		Started:  func() []stats.Container { return started },
	}.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, Path, nil))
	if answer.Code != http.StatusOK {
		t.Errorf("status %d", answer.Code)
	}
	return answer.Body.String()
}

func TestSamplesHaveTheNamesOfAKubelet(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_500)
	web := stats.Measured{
		Container: stats.Container{Namespace: "engine", Name: "web", Started: metav1.NewTime(time.Unix(1_600_000_000, 0))},
		Sample: &stats.Sample{Read: at, CPU: new(uint64(2_500_000_000)), Memory: new(uint64(4096)), MemoryLimit: new(uint64(65536)),
			Received: new(uint64(7)), Sent: new(uint64(8)), HasRead: new(uint64(9)), Wrote: new(uint64(0)), Pids: new(uint64(3))},
	}
	silent := stats.Measured{Container: stats.Container{Namespace: "engine", Name: "silent"}, Sample: &stats.Sample{Read: at}}
	restarting := stats.Container{Namespace: "engine", Name: "restarting", Started: metav1.NewTime(time.Unix(1_700_000_000, 0))}
	want := `# HELP container_cpu_usage_seconds_total [ALPHA] Cumulative cpu time consumed by the container in core-seconds
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="web",namespace="engine"} 2.5 1700000000500
# HELP container_fs_reads_bytes_total [ALPHA] Cumulative count of bytes read
# TYPE container_fs_reads_bytes_total counter
container_fs_reads_bytes_total{container="web",namespace="engine"} 9 1700000000500
# HELP container_fs_writes_bytes_total [ALPHA] Cumulative count of bytes written
# TYPE container_fs_writes_bytes_total counter
container_fs_writes_bytes_total{container="web",namespace="engine"} 0 1700000000500
# HELP container_memory_working_set_bytes [ALPHA] Current working set of the container in bytes
# TYPE container_memory_working_set_bytes gauge
container_memory_working_set_bytes{container="web",namespace="engine"} 4096 1700000000500
# HELP container_network_receive_bytes_total [ALPHA] Cumulative count of bytes received
# TYPE container_network_receive_bytes_total counter
container_network_receive_bytes_total{container="web",namespace="engine"} 7 1700000000500
# HELP container_network_transmit_bytes_total [ALPHA] Cumulative count of bytes transmitted
# TYPE container_network_transmit_bytes_total counter
container_network_transmit_bytes_total{container="web",namespace="engine"} 8 1700000000500
# HELP container_spec_memory_limit_bytes [ALPHA] Memory limit for the container, that of the engine's host if it has none
# TYPE container_spec_memory_limit_bytes gauge
container_spec_memory_limit_bytes{container="web",namespace="engine"} 65536 1700000000500
# HELP container_start_time_seconds [ALPHA] Start time of the container since unix epoch in seconds
# TYPE container_start_time_seconds gauge
container_start_time_seconds{container="restarting",namespace="engine"} 1.7e+09
container_start_time_seconds{container="web",namespace="engine"} 1.6e+09
# HELP container_threads [ALPHA] Number of processes and threads in the container
# TYPE container_threads gauge
container_threads{container="web",namespace="engine"} 3 1700000000500
# HELP resource_scrape_error [ALPHA] 1 if there was an error while getting container metrics, 0 otherwise
# TYPE resource_scrape_error gauge
resource_scrape_error 0
`
	if diff := cmp.Diff(want, scrape(t, nil, []stats.Container{web.Container, silent.Container, restarting}, web, silent)); diff != "" {
		t.Error(diff)
	}
}

func TestAnEngineThatDoesNotAnswerIsAScrapeError(t *testing.T) {
	want := `# HELP resource_scrape_error [ALPHA] 1 if there was an error while getting container metrics, 0 otherwise
# TYPE resource_scrape_error gauge
resource_scrape_error 1
`
	if diff := cmp.Diff(want, scrape(t, errors.New("no engine"), nil)); diff != "" {
		t.Error(diff)
	}
}
