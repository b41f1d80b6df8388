// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

var running = metrics.NewGaugeVec(&metrics.GaugeOpts{
	Namespace:      "engine_apiserver",
	Name:           "streaming_sessions",
	Help:           "Sessions that run now, by kind: those over upgraded connections, and logs that are followed.",
	StabilityLevel: metrics.ALPHA,
}, []string{"kind"})

func init() {
	legacyregistry.MustRegister(running)
}
