// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package resourcemetrics serves what containers use to Prometheus, in the format and with the names of a kubelet.
package resourcemetrics

import (
	"context"
	"net/http"
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/klog/v2"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/stats"
)

// Path is where a kubelet has the same metrics.
const Path = "/metrics/resource"

// Handler serves the newest sample of each container.
type Handler struct {
	// Ready returns when there are samples of the containers that run.
	Ready func(context.Context) error
	// Measured returns the newest sample of each container.
	Measured func() []stats.Measured
	// Started returns the containers that run, and those that the engine is about to start again. Many of the latter never run
	// long enough for a sample.
	Started func() []stats.Container
}

// ServeHTTP implements http.Handler. If there are no samples because the engine does not answer, the answer says so with the
// metric resource_scrape_error, as that of a kubelet does.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	samples := collector{}
	if err := h.Ready(r.Context()); err != nil {
		klog.FromContext(r.Context()).Info("The container engine does not tell what the containers use", "reason", err.Error())
		samples.failed = true
	} else {
		samples.measured, samples.started = h.Measured(), h.Started()
	}
	registry := metrics.NewKubeRegistry()
	registry.CustomMustRegister(&samples)
	metrics.HandlerFor(registry, metrics.HandlerOpts{ErrorHandling: metrics.ContinueOnError}).ServeHTTP(w, r)
}

// family is a metric that each container has.
type family struct {
	desc *metrics.Desc
	kind metrics.ValueType
	// unit is what the engine counts, in the unit of the metric.
	unit float64
	// value returns nil if the engine does not tell it.
	value func(stats.Measured) *uint64
}

// families are those of a kubelet's /metrics/resource, and behind them those of its /metrics/cadvisor that the engine has as
// well. container_start_time_seconds is not among them, because it has no time of its own.
var families = []family{
	{newDesc("container_cpu_usage_seconds_total", "Cumulative cpu time consumed by the container in core-seconds"),
		metrics.CounterValue, time.Nanosecond.Seconds(), func(m stats.Measured) *uint64 { return m.Sample.CPU }},
	{newDesc("container_memory_working_set_bytes", "Current working set of the container in bytes"),
		metrics.GaugeValue, 1, func(m stats.Measured) *uint64 { return m.Memory }},
	{newDesc("container_spec_memory_limit_bytes", "Memory limit for the container, that of the engine's host if it has none"),
		metrics.GaugeValue, 1, func(m stats.Measured) *uint64 { return m.MemoryLimit }},
	{newDesc("container_network_receive_bytes_total", "Cumulative count of bytes received"),
		metrics.CounterValue, 1, func(m stats.Measured) *uint64 { return m.Received }},
	{newDesc("container_network_transmit_bytes_total", "Cumulative count of bytes transmitted"),
		metrics.CounterValue, 1, func(m stats.Measured) *uint64 { return m.Sent }},
	{newDesc("container_fs_reads_bytes_total", "Cumulative count of bytes read"),
		metrics.CounterValue, 1, func(m stats.Measured) *uint64 { return m.HasRead }},
	{newDesc("container_fs_writes_bytes_total", "Cumulative count of bytes written"),
		metrics.CounterValue, 1, func(m stats.Measured) *uint64 { return m.Wrote }},
	{newDesc("container_threads", "Number of processes and threads in the container"),
		metrics.GaugeValue, 1, func(m stats.Measured) *uint64 { return m.Pids }},
}

var (
	startTime   = newDesc("container_start_time_seconds", "Start time of the container since unix epoch in seconds")
	scrapeError = metrics.NewDesc("resource_scrape_error", "1 if there was an error while getting container metrics, 0 otherwise",
		nil, nil, metrics.ALPHA, "")
)

// newDesc returns the description of a metric of containers. Of a kubelet's labels, only that of the pod is missing.
func newDesc(name, help string) *metrics.Desc {
	return metrics.NewDesc(name, help, []string{"container", "namespace"}, nil, metrics.ALPHA, "")
}

// collector collects what a request is answered with.
type collector struct {
	metrics.BaseStableCollector
	measured []stats.Measured
	started  []stats.Container
	failed   bool
}

// DescribeWithStability implements metrics.StableCollector.
func (c *collector) DescribeWithStability(descs chan<- *metrics.Desc) {
	for _, f := range families {
		descs <- f.desc
	}
	descs <- startTime
	descs <- scrapeError
}

// CollectWithStability implements metrics.StableCollector.
func (c *collector) CollectWithStability(values chan<- metrics.Metric) {
	for _, m := range c.measured {
		for _, f := range families {
			if value := f.value(m); value != nil {
				values <- metrics.NewLazyMetricWithTimestamp(m.Read,
					metrics.NewLazyConstMetric(f.desc, f.kind, float64(*value)*f.unit, m.Name, m.Namespace))
			}
		}
	}
	for _, one := range c.started {
		if !one.Started.IsZero() {
			values <- metrics.NewLazyConstMetric(startTime, metrics.GaugeValue, float64(one.Started.Unix()), one.Name, one.Namespace)
		}
	}
	failed := 0.0
	if c.failed {
		failed = 1
	}
	values <- metrics.NewLazyConstMetric(scrapeError, metrics.GaugeValue, failed)
}
