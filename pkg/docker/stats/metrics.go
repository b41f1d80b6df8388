// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"maps"
	"math"
	"math/bits"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// Container is a container that runs.
type Container struct {
	ID, Namespace, Name string
	// Labels must not be changed.
	Labels map[string]string
	// Created is when the container was made, and Started when its present run began.
	Created, Started metav1.Time
	// CPU is the limit of its processor time. It is nil if it has none.
	CPU *resource.Quantity
}

// Measured is a container and its newest sample.
type Measured struct {
	Container
	*Sample
}

// metricsOf returns the metrics of a container. older is the sample before the latest one. It may be nil.
func metricsOf(c Container, older, latest *Sample) *v1alpha1.ContainerMetrics {
	m := &v1alpha1.ContainerMetrics{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         c.Namespace,
			Name:              c.Name,
			UID:               uidOf(c),
			Labels:            c.Labels,
			CreationTimestamp: c.Created,
		},
		ID:        c.ID,
		Timestamp: metav1.Time{Time: latest.Read.Truncate(time.Second)},
		Usage:     v1alpha1.ContainerMetricsResources{Memory: bytes(latest.Memory)},
		Limits:    v1alpha1.ContainerMetricsResources{CPU: c.CPU, Memory: bytes(latest.MemoryLimit)},
		Pids:      number(latest.Pids),
	}
	if used, over := rate(older, latest); over > 0 {
		m.Usage.CPU, m.Window = used, &metav1.Duration{Duration: over.Round(time.Millisecond)}
	}
	if m.Limits.CPU == nil && latest.Processors != nil {
		m.Limits.CPU = source.Written(resource.NewQuantity(*number(latest.Processors), resource.DecimalSI))
	}
	if latest.Received != nil {
		m.Network = &v1alpha1.ContainerMetricsNetwork{RxBytes: *number(latest.Received), TxBytes: *number(latest.Sent)}
	}
	if latest.HasRead != nil && latest.Wrote != nil {
		m.BlockIO = &v1alpha1.ContainerMetricsBlockIO{ReadBytes: *number(latest.HasRead), WriteBytes: *number(latest.Wrote)}
	}
	return m
}

// key is the key of its metrics in their store.
func (c *Container) key() string { return c.Namespace + "/" + c.Name }

// showsAs reports whether the metrics of the container look the same if it is other.
func (c *Container) showsAs(other Container) bool {
	return c.Name == other.Name && c.Created.Equal(&other.Created) && maps.Equal(c.Labels, other.Labels) &&
		(c.CPU == other.CPU || c.CPU != nil && other.CPU != nil && c.CPU.Cmp(*other.CPU) == 0)
}

func uidOf(c Container) types.UID { return source.UIDOf("ContainerMetrics", c.ID, c.Name) }

// rate returns the processor time that was used between two samples, for each unit of time, and how long that was. It returns 0
// if that cannot be known.
func rate(older, latest *Sample) (used *resource.Quantity, over time.Duration) {
	if older == nil || older.CPU == nil || latest.CPU == nil || hasFallen(older, latest) {
		return nil, 0
	}
	if over = latest.Read.Sub(older.Read); over <= 0 {
		return nil, 0
	}
	high, low := bits.Mul64(*latest.CPU-*older.CPU, uint64(time.Second))
	if high >= uint64(over) {
		return nil, 0 // more than any number of processors can do
	}
	nanos, _ := bits.Div64(high, low, uint64(over))
	return source.Written(resource.NewScaledQuantity(*number(&nanos), resource.Nano)), over
}

// hasFallen reports whether the processor time of a sample is less than that of an older one. So it is if the container was
// started again in between.
func hasFallen(older, latest *Sample) bool {
	return older.CPU != nil && latest.CPU != nil && *latest.CPU < *older.CPU
}

// bytes returns a number of bytes as a quantity.
func bytes(value *uint64) *resource.Quantity {
	if value == nil {
		return nil
	}
	return source.Written(resource.NewQuantity(*number(value), resource.BinarySI))
}

// number returns the value as the API carries it.
func number(value *uint64) *int64 {
	if value == nil {
		return nil
	}
	n := int64(min(*value, math.MaxInt64))
	return &n
}
