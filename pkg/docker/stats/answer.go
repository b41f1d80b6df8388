// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"encoding/json"
	"errors"
	"time"
)

// windowsTick is the unit in which Windows counts processor time.
const windowsTick = 100 * time.Nanosecond

// Sample is what the engine says at one moment about what a container has used. What the engine does not tell is nil.
type Sample struct {
	// Read is when the engine took the sample, by its own clock.
	Read time.Time
	// CPU is the processor time that the container has used since it was started, in nanoseconds.
	CPU *uint64
	// Processors is the number of processors of the engine's host.
	Processors *uint64
	// Memory is the memory that the container uses, as the docker command shows it, in bytes.
	Memory *uint64
	// MemoryLimit is the memory that it may use, in bytes.
	MemoryLimit *uint64
	// Received and Sent count the bytes on all its networks, Wrote and HasRead those on block devices.
	Received, Sent, HasRead, Wrote *uint64
	// Pids is the number of its processes and threads.
	Pids *uint64
}

// answer has the parts of the engine's answer that are read.
type answer struct {
	Read time.Time `json:"read"`
	CPU  struct {
		Usage struct {
			Total *uint64 `json:"total_usage"`
		} `json:"cpu_usage"`
		Online *uint64 `json:"online_cpus"`
	} `json:"cpu_stats"`
	Memory  memory `json:"memory_stats"`
	BlockIO struct {
		Bytes []struct {
			Operation string `json:"op"`
			Value     uint64 `json:"value"`
		} `json:"io_service_bytes_recursive"`
	} `json:"blkio_stats"`
	Networks map[string]struct {
		Received uint64 `json:"rx_bytes"`
		Sent     uint64 `json:"tx_bytes"`
	} `json:"networks"`
	Pids struct {
		Current *uint64 `json:"current"`
	} `json:"pids_stats"`

	// Windows only has these.
	Processors uint64 `json:"num_procs"`
	Storage    struct {
		Read  *uint64 `json:"read_size_bytes"`
		Wrote *uint64 `json:"write_size_bytes"`
	} `json:"storage_stats"`
}

type memory struct {
	Usage *uint64 `json:"usage"`
	Limit *uint64 `json:"limit"`
	Stats struct {
		TotalInactiveFile *uint64 `json:"total_inactive_file"`
		InactiveFile      uint64  `json:"inactive_file"`
	} `json:"stats"`
	PrivateWorkingSet *uint64 `json:"privateworkingset"`
}

// errNoTime is the error for a sample that cannot be compared with another one.
var errNoTime = errors.New("the engine does not say when it took the sample")

// Parse reads the engine's answer about a container. It returns nil for a container that does not run.
func Parse(text []byte) (*Sample, error) {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, err
	}
	switch year := a.Read.UTC().Year(); {
	case year <= 1:
		return nil, nil // The engine answers so for a container that does not run.
	case year > 9999:
		return nil, errNoTime // JSON cannot carry it
	}
	s := &Sample{
		Read:        a.Read.UTC(),
		CPU:         known(a.CPU.Usage.Total),
		Processors:  known(a.CPU.Online),
		Memory:      a.Memory.used(),
		MemoryLimit: known(a.Memory.Limit),
		Pids:        known(a.Pids.Current),
	}
	if len(a.Networks) > 0 {
		s.Received, s.Sent = new(uint64), new(uint64)
		for _, network := range a.Networks {
			*s.Received += network.Received
			*s.Sent += network.Sent
		}
	}
	if a.BlockIO.Bytes != nil {
		s.HasRead, s.Wrote = new(uint64), new(uint64)
		for _, entry := range a.BlockIO.Bytes {
			switch {
			case entry.Operation == "":
			case entry.Operation[0] == 'r', entry.Operation[0] == 'R':
				*s.HasRead += entry.Value
			case entry.Operation[0] == 'w', entry.Operation[0] == 'W':
				*s.Wrote += entry.Value
			}
		}
	}
	if a.Processors > 0 {
		a.onWindows(s)
	}
	return s, nil
}

// onWindows sets what Windows says in another way. It has no limits and does not count processes.
func (a *answer) onWindows(s *Sample) {
	if s.CPU != nil {
		*s.CPU *= uint64(windowsTick)
	}
	s.Processors = new(a.Processors)
	s.Memory, s.MemoryLimit, s.Pids = known(a.Memory.PrivateWorkingSet), nil, nil
	s.HasRead, s.Wrote = a.Storage.Read, a.Storage.Wrote
}

// used returns the memory that is used, as the docker command shows it: without the files that the kernel can forget at
// once. total_inactive_file is the word of cgroup v1, inactive_file that of v2.
func (m *memory) used() *uint64 {
	if known(m.Usage) == nil {
		return nil
	}
	if total := m.Stats.TotalInactiveFile; total != nil && *total < *m.Usage {
		return new(*m.Usage - *total)
	}
	if m.Stats.InactiveFile < *m.Usage {
		return new(*m.Usage - m.Stats.InactiveFile)
	}
	return m.Usage
}

// known returns nil for a value that is 0. No container that runs has used nothing of this: the engine writes 0 if it does not
// know.
func known(value *uint64) *uint64 {
	if value == nil || *value == 0 {
		return nil
	}
	return value
}
