// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

var comparisonDifferences = metrics.NewCounterVec(&metrics.CounterOpts{
	Namespace:      "engine_apiserver",
	Name:           "comparison_differences_total",
	Help:           "Changes that no event had reported and that a comparison with the container engine found, by resource.",
	StabilityLevel: metrics.ALPHA,
}, []string{"resource"})

func init() {
	legacyregistry.MustRegister(comparisonDifferences)
}
