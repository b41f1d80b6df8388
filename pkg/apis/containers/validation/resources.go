// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	// minMemory is the least limit of memory that Docker takes.
	minMemory = 6 << 20
	// minShares and maxShares bound the weight that Linux takes.
	minShares, maxShares = 2, 262144
	// maxProcessor is the largest number of a processor that Docker takes.
	maxProcessor = 8192
	// minCPU is the least processor time that Linux can limit a container to.
	minCPU = "10m"
	// maxCPU is more than any host has, and what Docker can count.
	maxCPU = "1000000"
)

var (
	cpusetGrammar = regexp.MustCompile(`^[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*$`)
	// cdiGrammar has the names of devices of the Container Device Interface.
	cdiGrammar = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*/[A-Za-z][A-Za-z0-9_-]*=[A-Za-z0-9][A-Za-z0-9_.:-]*$`)
)

func validateResources(spec *v1alpha1.ContainerSpec) field.ErrorList {
	r, path := spec.Resources, specPath.Child("resources")
	if r == nil {
		return nil
	}
	var errs field.ErrorList
	if r.CPU != nil && (r.CPU.Cmp(resource.MustParse(minCPU)) < 0 || r.CPU.Cmp(resource.MustParse(maxCPU)) > 0) {
		errs = append(errs, field.Invalid(path.Child("cpu"), r.CPU.String(), fmt.Sprintf("must be between %s and %s, such as 500m or 1.5", minCPU, maxCPU)))
	}
	errs = append(errs, bytesFrom(path.Child("memory"), r.Memory, minMemory)...)
	errs = append(errs, bytesFrom(path.Child("memoryReservation"), r.MemoryReservation, minMemory)...)
	if r.Memory != nil && r.MemoryReservation != nil && r.MemoryReservation.Cmp(*r.Memory) > 0 {
		errs = append(errs, field.Invalid(path.Child("memoryReservation"), r.MemoryReservation.String(), fmt.Sprintf("must not be more than memory, which is %s", r.Memory)))
	}
	errs = append(errs, validateSwap(path.Child("memorySwap"), r)...)
	if r.Pids != nil && *r.Pids < 1 && *r.Pids != -1 {
		errs = append(errs, field.Invalid(path.Child("pids"), *r.Pids, "must be 1 or more, or -1 for any number"))
	}
	if r.CPUShares != nil && (*r.CPUShares < minShares || *r.CPUShares > maxShares) {
		errs = append(errs, field.Invalid(path.Child("cpuShares"), *r.CPUShares, fmt.Sprintf("must be between %d and %d", minShares, maxShares)))
	}
	if r.Cpuset != "" && !isCpuset(r.Cpuset) {
		errs = append(errs, field.Invalid(path.Child("cpuset"), r.Cpuset, "must be numbers and ranges of processors, such as 0-2,7"))
	}
	return errs
}

func validateSwap(path *field.Path, r *v1alpha1.ContainerResources) field.ErrorList {
	if r.MemorySwap == nil || r.MemorySwap.Cmp(*resource.NewQuantity(-1, resource.DecimalSI)) == 0 {
		return nil
	}
	if errs := bytesFrom(path, r.MemorySwap, 1); len(errs) > 0 {
		errs[0].Detail += ", or -1 for no limit"
		return errs
	}
	switch {
	case r.Memory == nil:
		return field.ErrorList{field.Forbidden(path, "needs memory: it is the limit of memory and swap together")}
	case r.MemorySwap.Cmp(*r.Memory) < 0:
		return field.ErrorList{field.Invalid(path, r.MemorySwap.String(), fmt.Sprintf("must not be less than memory, which is %s: it is the limit of memory and swap together", r.Memory))}
	}
	return nil
}

// bytesFrom returns the errors of a number of bytes.
func bytesFrom(path *field.Path, quantity *resource.Quantity, least int64) field.ErrorList {
	if quantity == nil {
		return nil
	}
	value := quantity.Value()
	switch {
	case quantity.Cmp(*resource.NewQuantity(least, resource.BinarySI)) < 0:
		return field.ErrorList{field.Invalid(path, quantity.String(), fmt.Sprintf("must be %s or more", resource.NewQuantity(least, resource.BinarySI)))}
	case quantity.Cmp(*resource.NewQuantity(math.MaxInt64/2, resource.BinarySI)) > 0:
		return field.ErrorList{field.Invalid(path, quantity.String(), "must be less than 4Ei")}
	case quantity.Cmp(*resource.NewQuantity(value, resource.BinarySI)) != 0:
		return field.ErrorList{field.Invalid(path, quantity.String(), "must be a whole number of bytes, such as 256Mi")}
	}
	return nil
}

func isCpuset(cpuset string) bool {
	if !cpusetGrammar.MatchString(cpuset) {
		return false
	}
	for part := range strings.SplitSeq(cpuset, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, _ := strconv.Atoi(first)
		if to, _ := strconv.Atoi(last); from > to || to > maxProcessor {
			return false
		}
	}
	return true
}

// validateHost returns the errors of what the container gets of the engine's host.
func validateHost(spec *v1alpha1.ContainerSpec) field.ErrorList {
	errs := bytesFrom(specPath.Child("shmSize"), spec.ShmSize, 1)
	given := map[string]bool{}
	for i, limit := range spec.Ulimits {
		path := specPath.Child("ulimits").Index(i)
		if given[limit.Name] {
			errs = append(errs, field.Duplicate(path.Child("name"), limit.Name))
		}
		given[limit.Name] = true
		errs = append(errs, validateUlimit(path, limit)...)
	}
	for i, device := range spec.Devices {
		errs = append(errs, validateDevice(specPath.Child("devices").Index(i), device)...)
	}
	return append(errs, validateGPUs(spec.Gpus)...)
}

func validateUlimit(path *field.Path, limit v1alpha1.ContainerUlimit) field.ErrorList {
	var errs field.ErrorList
	if _, err := (&units.Ulimit{Name: limit.Name}).GetRlimit(); err != nil {
		errs = append(errs, field.Invalid(path.Child("name"), limit.Name, "must be a limit of Linux, such as nofile or nproc"))
	}
	for _, value := range []struct {
		field string
		limit int64
	}{{"soft", limit.Soft}, {"hard", limit.Hard}} {
		if value.limit < -1 {
			errs = append(errs, field.Invalid(path.Child(value.field), value.limit, "must be 0 or more, or -1 for no limit"))
		}
	}
	if limit.Hard != -1 && (limit.Soft == -1 || limit.Soft > limit.Hard) {
		errs = append(errs, field.Invalid(path.Child("soft"), limit.Soft, fmt.Sprintf("must not be more than hard, which is %d", limit.Hard)))
	}
	return errs
}

func validateDevice(fieldPath *field.Path, device v1alpha1.ContainerDevice) field.ErrorList {
	var errs field.ErrorList
	isCDI := cdiGrammar.MatchString(device.HostPath)
	switch {
	case device.HostPath == "":
		errs = append(errs, field.Required(fieldPath.Child("hostPath"), "must be the path of a device, such as /dev/fuse"))
	case !isCDI && !path.IsAbs(device.HostPath):
		errs = append(errs, field.Invalid(fieldPath.Child("hostPath"), device.HostPath, "must be an absolute path, such as /dev/fuse, or a CDI name, such as vendor.com/class=name"))
	}
	if device.ContainerPath != "" {
		errs = append(errs, cleanPath(fieldPath.Child("containerPath"), device.ContainerPath)...)
	}
	if p := device.Permissions; strings.Trim(p, "rwm") != "" || strings.Count(p, "r") > 1 || strings.Count(p, "w") > 1 || strings.Count(p, "m") > 1 {
		errs = append(errs, field.Invalid(fieldPath.Child("permissions"), p, "must be some of r, w and m, each once"))
	}
	if isCDI && (device.ContainerPath != "" || device.Permissions != "") {
		errs = append(errs, field.Forbidden(fieldPath, "a device with a CDI name has neither containerPath nor permissions"))
	}
	return errs
}

func validateGPUs(gpus *v1alpha1.ContainerGPUs) field.ErrorList {
	if gpus == nil {
		return nil
	}
	path := specPath.Child("gpus")
	var errs field.ErrorList
	switch {
	case gpus.Count != nil && len(gpus.DeviceIDs) > 0:
		errs = append(errs, field.Forbidden(path.Child("count"), "cannot be combined with deviceIDs"))
	case gpus.Count == nil && len(gpus.DeviceIDs) == 0:
		errs = append(errs, field.Required(path.Child("count"), "say how many, -1 for all, or which ones in deviceIDs"))
	case gpus.Count != nil && *gpus.Count < 1 && *gpus.Count != -1:
		errs = append(errs, field.Invalid(path.Child("count"), *gpus.Count, "must be 1 or more, or -1 for all"))
	}
	errs = append(errs, words(path.Child("deviceIDs"), gpus.DeviceIDs, "the number or the UUID of a GPU")...)
	errs = append(errs, driverName(path.Child("driver"), gpus.Driver)...)
	if slices.Contains(gpus.Capabilities, "") {
		errs = append(errs, field.Invalid(path.Child("capabilities"), gpus.Capabilities, "must be words such as compute"))
	}
	return errs
}
