// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

// The answers of engines, without the parts that nobody reads.
const (
	withCgroups1 = `{"read":"2026-01-02T03:04:05.5Z","preread":"0001-01-01T00:00:00Z","pids_stats":{"current":3,"limit":50},
		"blkio_stats":{"io_service_bytes_recursive":[{"major":8,"minor":0,"op":"Read","value":100},{"major":8,"minor":0,"op":"Write","value":20},
			{"major":8,"minor":16,"op":"Read","value":1},{"major":8,"minor":0,"op":"Sync","value":120},{"major":8,"minor":0,"op":"Total","value":120}]},
		"num_procs":0,"storage_stats":{},"cpu_stats":{"cpu_usage":{"total_usage":1000,"percpu_usage":[400,600]},"system_cpu_usage":77,"online_cpus":2},
		"memory_stats":{"usage":5000,"max_usage":6000,"stats":{"inactive_file":30,"total_inactive_file":1000},"limit":100000},
		"name":"/web","networks":{"eth0":{"rx_bytes":7,"tx_bytes":8},"eth1":{"rx_bytes":70,"tx_bytes":80}}}`
	withCgroups2 = `{"read":"2026-01-02T03:04:05.5Z","pids_stats":{"current":3},
		"blkio_stats":{"io_service_bytes_recursive":[{"op":"read","value":100},{"op":"write","value":20},{"op":"","value":4}]},
		"cpu_stats":{"cpu_usage":{"total_usage":1000},"online_cpus":2},
		"memory_stats":{"usage":5000,"stats":{"inactive_file":30},"limit":100000},"networks":{"eth0":{"rx_bytes":77,"tx_bytes":88}}}`
	withoutMost = `{"read":"2026-01-02T03:04:05.5Z","pids_stats":{},"blkio_stats":{"io_service_bytes_recursive":null},
		"cpu_stats":{"cpu_usage":{"total_usage":1000}},"memory_stats":{}}`
	withNothing = `{"read":"2026-01-02T03:04:05.5Z","cpu_stats":{"cpu_usage":{"total_usage":0}},"memory_stats":{"usage":0}}`
	ofWindows   = `{"read":"2026-01-02T03:04:05.5Z","num_procs":4,"pids_stats":{},"blkio_stats":{},"storage_stats":{"read_size_bytes":100,"write_size_bytes":20},
		"cpu_stats":{"cpu_usage":{"total_usage":1000}},"memory_stats":{"commitbytes":9000,"commitpeakbytes":9999,"privateworkingset":5000},
		"networks":{"nic":{"rx_bytes":77,"tx_bytes":88}}}`
)

func TestASampleHasWhatTheEngineTells(t *testing.T) {
	read := time.Date(2026, 1, 2, 3, 4, 5, 5e8, time.UTC)
	for what, test := range map[string]struct {
		answer string
		want   *Sample
	}{
		"cgroups, version 1": {withCgroups1, &Sample{Read: read, CPU: new(uint64(1000)), Processors: new(uint64(2)), Memory: new(uint64(4000)),
			MemoryLimit: new(uint64(100000)), Received: new(uint64(77)), Sent: new(uint64(88)), HasRead: new(uint64(101)), Wrote: new(uint64(20)), Pids: new(uint64(3))}},
		"cgroups, version 2": {withCgroups2, &Sample{Read: read, CPU: new(uint64(1000)), Processors: new(uint64(2)), Memory: new(uint64(4970)),
			MemoryLimit: new(uint64(100000)), Received: new(uint64(77)), Sent: new(uint64(88)), HasRead: new(uint64(100)), Wrote: new(uint64(20)), Pids: new(uint64(3))}},
		"no more than time": {withoutMost, &Sample{Read: read, CPU: new(uint64(1000))}},
		"nothing":           {withNothing, &Sample{Read: read}},
		"Windows": {ofWindows, &Sample{Read: read, CPU: new(uint64(100_000)), Processors: new(uint64(4)), Memory: new(uint64(5000)),
			Received: new(uint64(77)), Sent: new(uint64(88)), HasRead: new(uint64(100)), Wrote: new(uint64(20))}},
		"a container that does not run": {`{"read":"0001-01-01T00:00:00Z","name":"/web","id":"1"}`, nil},
		"an empty object":               {`{}`, nil},
	} {
		got, err := Parse([]byte(test.answer))
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", what, err, diff)
		}
	}
}

func TestMemoryIsWithoutTheFilesThatTheKernelCanForget(t *testing.T) {
	for text, want := range map[string]uint64{
		`{"usage":100,"stats":{"total_inactive_file":30,"inactive_file":10}}`:  70,
		`{"usage":100,"stats":{"total_inactive_file":0,"inactive_file":10}}`:   100,
		`{"usage":100,"stats":{"total_inactive_file":100,"inactive_file":10}}`: 90,
		`{"usage":100,"stats":{"inactive_file":10}}`:                           90,
		`{"usage":100,"stats":{"inactive_file":100}}`:                          100,
		`{"usage":100}`: 100,
	} {
		var m memory
		dockertest.Must(t, json.Unmarshal([]byte(text), &m))
		if got := m.used(); got == nil || *got != want {
			t.Errorf("%s: %v, want %d", text, got, want)
		}
	}
}

func TestAnAnswerThatCannotBeReadIsAnError(t *testing.T) {
	for _, text := range []string{"", "stats", "[]", `{"read":"today"}`, `{"memory_stats":{"usage":-1}}`, `{"read":"9999-12-31T23:59:59-23:00"}`} {
		if sample, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: %+v", text, sample)
		}
	}
}
