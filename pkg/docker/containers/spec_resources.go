// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"cmp"
	"math"
	"slices"

	"github.com/docker/docker/api/types/container"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

const (
	// usualCPUPeriod is the period of a quota of processor time for which no period was given, in microseconds.
	usualCPUPeriod = 100_000
	usualShmSize   = 64 << 20
	unlimited      = -1
)

func writeResources(s *v1alpha1.ContainerSpec, c *creation) *field.Error {
	if s.ShmSize != nil {
		c.host.ShmSize = s.ShmSize.Value()
	}
	resources, err := resourcesOf(s.Resources)
	c.host.Resources = resources
	for _, u := range s.Ulimits {
		c.host.Ulimits = append(c.host.Ulimits, &container.Ulimit{Name: u.Name, Soft: u.Soft, Hard: u.Hard})
	}
	return err
}

// resourcesOf returns the resources as Docker takes them. Docker counts memory in bytes, and processor time in billionths.
func resourcesOf(r *v1alpha1.ContainerResources) (made container.Resources, err *field.Error) {
	if r == nil {
		return made, nil
	}
	if r.CPU != nil {
		if r.CPU.CmpInt64(math.MaxInt64/1_000_000_000) > 0 {
			return made, field.Invalid(specPath.Child("resources", "cpu"), r.CPU.String(), "is more than Docker can count")
		}
		made.NanoCPUs = r.CPU.ScaledValue(resource.Nano)
	}
	for _, q := range []struct {
		given *resource.Quantity
		asked *int64
	}{{r.Memory, &made.Memory}, {r.MemorySwap, &made.MemorySwap}, {r.MemoryReservation, &made.MemoryReservation}} {
		if q.given != nil {
			*q.asked = q.given.Value()
		}
	}
	made.PidsLimit = r.Pids
	if r.CPUShares != nil {
		made.CPUShares = *r.CPUShares
	}
	made.CpusetCpus = r.Cpuset
	return made, nil
}

func readResources(r *reading) {
	if size := r.host.ShmSize; r.shows(size != usualShmSize && size != 0, "shmSize") {
		r.spec.ShmSize = r.quantity(size, "shmSize")
	}
	shown := v1alpha1.ContainerResources{Cpuset: r.host.CpusetCpus}
	if cpu := r.nanoCPUs(); cpu != 0 || r.gave("resources", "cpu") {
		shown.CPU = cpuAs(r.fields.at("resources", "cpu").value(), cpu)
	}
	shown.Memory = r.memory(r.host.Memory, 0, "memory")
	shown.MemorySwap = r.memory(r.host.MemorySwap, r.usualMemorySwap(), "memorySwap")
	shown.MemoryReservation = r.memory(r.host.MemoryReservation, 0, "memoryReservation")
	if shares := r.host.CPUShares; shares != 0 || r.gave("resources", "cpuShares") {
		shown.CPUShares = &shares
	}
	if limit := r.host.PidsLimit; limit != nil && *limit > 0 {
		shown.Pids = new(*limit)
	} else if r.gave("resources", "pids") {
		shown.Pids = new(int64(unlimited)) // Docker forgets it
	}
	r.spec.Resources = pickGroup(r, shown, shown == v1alpha1.ContainerResources{}, "resources")
	r.spec.Ulimits = r.ulimits()
}

// nanoCPUs returns how much processor time the container may use. Docker keeps it in one of two ways.
func (r *reading) nanoCPUs() int64 {
	quota, period := r.host.CPUQuota, cmp.Or(r.host.CPUPeriod, usualCPUPeriod)
	if r.host.NanoCPUs != 0 || quota <= 0 || period < 0 {
		return r.host.NanoCPUs
	}
	return int64(float64(quota) / float64(period) * 1e9)
}

// cpuAs returns an amount of processor time in the form in which it was given, unless it has changed since then.
func cpuAs(given string, nano int64) *resource.Quantity {
	if parsed, err := resource.ParseQuantity(given); given != "" && err == nil && parsed.ScaledValue(resource.Nano) == nano {
		return source.Written(&parsed)
	}
	return source.Written(resource.NewScaledQuantity(nano, resource.Nano))
}

// isUnusualCPU reports whether cpuAs writes the quantity in another way if it is not told how it was given.
func isUnusualCPU(text string) bool {
	parsed, err := resource.ParseQuantity(text)
	return err == nil && cpuAs("", parsed.ScaledValue(resource.Nano)).String() != text
}

// memory returns an amount of memory that can be changed later. So it is shown whenever it is unusual.
func (r *reading) memory(bytes, usual int64, name string) *resource.Quantity {
	if bytes == usual && !r.gave("resources", name) {
		return nil
	}
	return r.quantity(bytes, "resources", name)
}

// usualMemorySwap returns the limit of memory and swap of a container that was given none. Where the kernel cannot limit
// swap, Docker sets no limit.
func (r *reading) usualMemorySwap() int64 {
	if r.usual.noSwapLimit && r.host.Memory > 0 && r.host.MemorySwap == unlimited {
		return unlimited
	}
	return 2 * r.host.Memory
}

// quantity returns a number of bytes as it was given.
func (r *reading) quantity(bytes int64, path ...string) *resource.Quantity {
	return quantityAs(r.fields.at(path...).value(), bytes)
}

// quantityAs returns a number of bytes in the form in which it was given, unless it has changed since then.
func quantityAs(given string, bytes int64) *resource.Quantity {
	if parsed, err := resource.ParseQuantity(given); given != "" && err == nil && parsed.Value() == bytes {
		return source.Written(&parsed)
	}
	return quantityOf(bytes)
}

// quantityOf returns a number of bytes in the shorter of the two ways to write it, such as 256Mi or 500M.
func quantityOf(bytes int64) *resource.Quantity {
	binary, decimal := resource.NewQuantity(bytes, resource.BinarySI), resource.NewQuantity(bytes, resource.DecimalSI)
	if len(decimal.String()) <= len(binary.String()) {
		return decimal
	}
	return binary
}

// isUnusualQuantity reports whether quantityOf writes the quantity in another way.
func isUnusualQuantity(text string) bool {
	parsed, err := resource.ParseQuantity(text)
	return err == nil && quantityOf(parsed.Value()).String() != text
}

// ulimits returns the limits in the order in which they were given. Docker adds its own in any order.
func (r *reading) ulimits() (shown []v1alpha1.ContainerUlimit) {
	for _, u := range r.host.Ulimits {
		if u != nil {
			shown = append(shown, v1alpha1.ContainerUlimit{Name: u.Name, Soft: u.Soft, Hard: u.Hard})
		}
	}
	if !r.isMadeHere() {
		slices.SortFunc(shown, func(a, b v1alpha1.ContainerUlimit) int { return cmp.Compare(a.Name, b.Name) })
		return shown
	}
	var inOrder []v1alpha1.ContainerUlimit
	for _, item := range itemsOf[v1alpha1.ContainerUlimit](r.fields.at("ulimits")) {
		i := slices.IndexFunc(shown, func(u v1alpha1.ContainerUlimit) bool { return u.Name == item.keys.Name })
		if i >= 0 {
			inOrder = append(inOrder, shown[i])
		}
	}
	return inOrder
}

func writeRestartPolicy(s *v1alpha1.ContainerSpec, c *creation) *field.Error {
	c.host.RestartPolicy = restartPolicyOf(s.RestartPolicy)
	return nil
}

// restartPolicyOf returns the policy as Docker takes it. Nil means that Docker does not start the container again.
func restartPolicyOf(p *v1alpha1.ContainerRestartPolicy) container.RestartPolicy {
	if p == nil {
		return usualRestartPolicy
	}
	return container.RestartPolicy{Name: container.RestartPolicyMode(p.Name), MaximumRetryCount: int(p.MaximumRetryCount)}
}

var (
	usualRestartPolicy = container.RestartPolicy{Name: container.RestartPolicyDisabled}
	// noRestart is the policy of most containers, which share it.
	noRestart = &v1alpha1.ContainerRestartPolicy{Name: v1alpha1.ContainerRestartNo}
)

// readRestartPolicy reads the policy of any container, because it can be changed later.
func readRestartPolicy(r *reading) {
	policy := r.host.RestartPolicy
	if policy == usualRestartPolicy || policy == (container.RestartPolicy{}) {
		r.spec.RestartPolicy = noRestart
		return
	}
	r.spec.RestartPolicy = &v1alpha1.ContainerRestartPolicy{
		Name:              v1alpha1.ContainerRestartPolicyName(cmp.Or(policy.Name, container.RestartPolicyDisabled)),
		MaximumRetryCount: int32(min(max(policy.MaximumRetryCount, 0), math.MaxInt32)),
	}
}
