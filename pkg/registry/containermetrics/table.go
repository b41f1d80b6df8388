// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containermetrics

import (
	"strconv"
	"time"

	"github.com/docker/go-units"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

type column = registry.Column[*v1alpha1.ContainerMetrics]

var table = registry.NewTableConvertor(
	column{Name: "CPU", Description: "The processor time that the container uses, in thousandths of a processor.", Cell: cpu},
	column{Name: "Memory", Description: "The memory that the container uses.",
		Cell: func(m *v1alpha1.ContainerMetrics) string { return memory(m.Usage.Memory) }},
	column{Name: "Limit", Description: "The memory that the container may use.",
		Cell: func(m *v1alpha1.ContainerMetrics) string { return memory(m.Limits.Memory) }},
	column{Name: "PIDs", Description: "The number of processes and threads in the container.", Cell: pids},
	column{Name: "Age", Description: "The time since the sample was taken.", Cell: age},
)

// cpu returns the processor time as kubectl top shows it.
func cpu(m *v1alpha1.ContainerMetrics) string {
	if m.Usage.CPU == nil {
		return unknown
	}
	return strconv.FormatInt(m.Usage.CPU.MilliValue(), 10) + "m"
}

// memory returns an amount of memory as kubectl top shows it.
func memory(amount *resource.Quantity) string {
	if amount == nil {
		return unknown
	}
	return strconv.FormatInt(amount.Value()/units.MiB, 10) + "Mi"
}

func pids(m *v1alpha1.ContainerMetrics) string {
	if m.Pids == nil {
		return unknown
	}
	return strconv.FormatInt(*m.Pids, 10)
}

func age(m *v1alpha1.ContainerMetrics) string {
	// The engine's clock may be ahead of ours.
	return duration.HumanDuration(max(0, time.Since(m.Timestamp.Time)))
}

// unknown is the cell for what the engine does not tell.
const unknown = "<unknown>"
