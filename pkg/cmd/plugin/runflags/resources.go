// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package runflags

import (
	"github.com/docker/cli/opts"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// resources limit what a container uses.
type resources struct {
	memory, memoryReservation opts.MemBytes
	memorySwap                opts.MemSwapBytes
	cpus                      opts.NanoCPUs
	cpuShares, pids           int64
	cpuset                    string
}

func newResources() *resources { return &resources{} }

func (r *resources) add(flags *pflag.FlagSet) {
	flags.VarP(&r.memory, "memory", "m", "Memory limit")
	flags.Var(&r.memoryReservation, "memory-reservation", "Memory soft limit")
	flags.Var(&r.memorySwap, "memory-swap", "Swap limit equal to memory plus swap: '-1' to enable unlimited swap")
	flags.Var(&r.cpus, "cpus", "Number of CPUs")
	flags.Int64VarP(&r.cpuShares, "cpu-shares", "c", 0, "CPU shares (relative weight)")
	flags.StringVar(&r.cpuset, "cpuset-cpus", "", "CPUs in which to allow execution (0-3, 0,1)")
	flags.Int64Var(&r.pids, "pids-limit", 0, "Tune container pids limit (set -1 for unlimited)")
}

func (r *resources) apply(c *v1alpha1.Container) error {
	if r.pids < 0 { // a new container has no limit unless it is given one
		r.pids = 0
	}
	c.Spec.Resources = r.value()
	return nil
}

// value returns nil if no limit was given. As with docker, 0 is no limit.
func (r *resources) value() *v1alpha1.ContainerResources {
	value := v1alpha1.ContainerResources{
		Memory: bytesOf(r.memory.Value()), MemoryReservation: bytesOf(r.memoryReservation.Value()), MemorySwap: bytesOf(r.memorySwap.Value()),
		CPU: quantity(r.cpus.Value(), resource.Nano), CPUShares: number(r.cpuShares), Cpuset: r.cpuset, Pids: number(r.pids),
	}
	if value == (v1alpha1.ContainerResources{}) {
		return nil
	}
	return &value
}

func bytesOf(n int64) *resource.Quantity {
	if n == 0 {
		return nil
	}
	return resource.NewQuantity(n, resource.BinarySI)
}

func quantity(n int64, scale resource.Scale) *resource.Quantity {
	if n == 0 {
		return nil
	}
	return resource.NewScaledQuantity(n, scale)
}

func number(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}
