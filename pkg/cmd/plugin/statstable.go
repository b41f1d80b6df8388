// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"io"
	"strconv"

	"github.com/docker/cli/cli/command/formatter"
	"github.com/docker/go-units"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	statsFormat = "table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}"
	// noValue is docker's word for what is not known.
	noValue = "--"
)

// statsHeaders are the headers of the columns, by the field that they show.
var statsHeaders = formatter.SubHeaderContext{
	"Container": "CONTAINER",
	"ID":        formatter.ContainerIDHeader,
	"Name":      formatter.NameHeader,
	"CPUPerc":   "CPU %",
	"MemUsage":  "MEM USAGE / LIMIT",
	"MemPerc":   "MEM %",
	"NetIO":     "NET I/O",
	"BlockIO":   "BLOCK I/O",
	"PIDs":      "PIDS",
}

// writeStats prints what the containers use, as docker stats does.
func writeStats(to io.Writer, format string, noTrunc bool, rows []statsRow) error {
	if format == "" || format == formatter.TableFormatKey {
		format = statsFormat
	}
	context := formatter.Context{Output: to, Format: formatter.Format(format), Trunc: !noTrunc}
	columns := &statsColumns{}
	columns.Header = statsHeaders
	return context.Write(columns, func(write func(formatter.SubContext) error) error {
		for _, row := range rows {
			if err := write(&statsColumns{row: row, trunc: !noTrunc}); err != nil {
				return err
			}
		}
		return nil
	})
}

// statsRow is a container and what it uses. metrics are nil if it does not run.
type statsRow struct {
	asked, id, name string
	metrics         *v1alpha1.ContainerMetrics
}

// statsColumns are the fields that a format can show of a row.
type statsColumns struct {
	formatter.HeaderContext
	row   statsRow
	trunc bool
}

// MarshalJSON implements json.Marshaler.
func (c *statsColumns) MarshalJSON() ([]byte, error) { return formatter.MarshalJSON(c) }

// Container returns the container as the user has named it.
func (c *statsColumns) Container() string { return c.row.asked }

// ID returns the container's ID.
func (c *statsColumns) ID() string {
	if c.trunc {
		return formatter.TruncateID(c.row.id)
	}
	return c.row.id
}

// Name returns the container's name.
func (c *statsColumns) Name() string { return c.row.name }

// CPUPerc returns the processor time, where 100% is all the time of one processor.
func (c *statsColumns) CPUPerc() string {
	if m := c.row.metrics; m != nil && m.Usage.CPU != nil {
		return percent(m.Usage.CPU.AsApproximateFloat64())
	}
	return noValue
}

// MemUsage returns the memory and its limit.
func (c *statsColumns) MemUsage() string {
	if m := c.row.metrics; m != nil {
		return size(m.Usage.Memory) + " / " + size(m.Limits.Memory)
	}
	return noValue + " / " + noValue
}

func size(amount *resource.Quantity) string {
	if amount == nil {
		return noValue
	}
	return units.BytesSize(float64(amount.Value()))
}

// MemPerc returns the part of the limit that is used.
func (c *statsColumns) MemPerc() string {
	m := c.row.metrics
	if m == nil || m.Usage.Memory == nil || m.Limits.Memory == nil || m.Limits.Memory.IsZero() {
		return noValue
	}
	return percent(m.Usage.Memory.AsApproximateFloat64() / m.Limits.Memory.AsApproximateFloat64())
}

// NetIO returns what was received and sent.
func (c *statsColumns) NetIO() string {
	if m := c.row.metrics; m != nil && m.Network != nil {
		return inAndOut(m.Network.RxBytes, m.Network.TxBytes)
	}
	return noValue
}

// BlockIO returns what was read and written.
func (c *statsColumns) BlockIO() string {
	if m := c.row.metrics; m != nil && m.BlockIO != nil {
		return inAndOut(m.BlockIO.ReadBytes, m.BlockIO.WriteBytes)
	}
	return noValue
}

func inAndOut(in, out int64) string {
	return units.HumanSizeWithPrecision(float64(in), sizeDigits) + " / " + units.HumanSizeWithPrecision(float64(out), sizeDigits)
}

// PIDs returns the number of processes and threads.
func (c *statsColumns) PIDs() string {
	if m := c.row.metrics; m != nil && m.Pids != nil {
		return strconv.FormatInt(*m.Pids, 10)
	}
	return noValue
}

func percent(part float64) string { return strconv.FormatFloat(100*part, 'f', 2, 64) + "%" }
