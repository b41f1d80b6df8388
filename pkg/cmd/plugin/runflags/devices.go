// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package runflags

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/docker/cli/opts"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-units"
	"github.com/spf13/pflag"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// gpuCapability is the capability that docker asks for in any case.
const gpuCapability = "gpu"

// devices are what a container has of the host besides files.
type devices struct {
	devices, ulimits opts.ListOpts
	gpus             opts.GpuOpts
}

func newDevices() *devices {
	return &devices{devices: opts.NewListOpts(nil), ulimits: opts.NewListOpts(func(given string) (string, error) {
		_, err := units.ParseUlimit(given)
		return given, err
	})}
}

func (d *devices) add(flags *pflag.FlagSet) {
	flags.Var(&d.devices, "device", "Add a host device to the container")
	flags.Var(&d.gpus, "gpus", "GPU devices to add to the container ('all' to pass all GPUs)")
	flags.Var(&d.ulimits, "ulimit", "Ulimit options")
}

func (d *devices) apply(c *v1alpha1.Container) (err error) {
	for _, given := range d.devices.GetSlice() {
		device, err := parseDevice(given)
		if err != nil {
			return err
		}
		c.Spec.Devices = append(c.Spec.Devices, device)
	}
	if c.Spec.Gpus, err = gpusOf(d.gpus.Value()); err != nil {
		return err
	}
	for _, given := range d.ulimits.GetSlice() {
		limit, err := units.ParseUlimit(given)
		if err != nil {
			return err
		}
		// The last one of a name counts.
		c.Spec.Ulimits = slices.DeleteFunc(c.Spec.Ulimits, func(other v1alpha1.ContainerUlimit) bool { return other.Name == limit.Name })
		c.Spec.Ulimits = append(c.Spec.Ulimits, v1alpha1.ContainerUlimit{Name: limit.Name, Soft: limit.Soft, Hard: limit.Hard})
	}
	return nil
}

// parseDevice reads a value of --device: HOST[:CONTAINER][:PERMISSIONS], or the name of a CDI device.
func parseDevice(given string) (device v1alpha1.ContainerDevice, err error) {
	if vendor, _, isCDI := strings.Cut(given, "="); isCDI && !path.IsAbs(vendor) {
		return v1alpha1.ContainerDevice{HostPath: given}, nil
	}
	parts := strings.Split(given, ":")
	if len(parts) > 3 || slices.Contains(parts, "") {
		return device, fmt.Errorf("bad format for path: %s", given)
	}
	device.HostPath = parts[0]
	rest := parts[1:]
	if len(rest) > 0 && isPermissions(rest[len(rest)-1]) {
		device.Permissions, rest = rest[len(rest)-1], rest[:len(rest)-1]
	} else if len(rest) == 2 {
		return device, fmt.Errorf("bad mode specified: %s", rest[1])
	}
	if len(rest) > 0 {
		device.ContainerPath = clean(rest[0])
	}
	for _, checked := range append([]string{device.HostPath}, rest...) {
		if !path.IsAbs(checked) {
			return device, fmt.Errorf("%s is not an absolute path", checked)
		}
	}
	return device, nil
}

// isPermissions reports whether text has r, w and m, each at most once.
func isPermissions(text string) bool {
	for _, letter := range text {
		if !strings.ContainsRune("rwm", letter) || strings.Count(text, string(letter)) > 1 {
			return false
		}
	}
	return text != ""
}

func gpusOf(given []container.DeviceRequest) (*v1alpha1.ContainerGPUs, error) {
	if len(given) == 0 {
		return nil, nil
	}
	request := given[0]
	if len(given) > 1 || len(request.Options) > 0 {
		return nil, errors.New("--gpus can be given once, and without options")
	}
	if int(int32(request.Count)) != request.Count {
		return nil, fmt.Errorf("--gpus: %d is out of range", request.Count)
	}
	gpus := &v1alpha1.ContainerGPUs{DeviceIDs: request.DeviceIDs, Driver: request.Driver}
	if request.Count != 0 {
		gpus.Count = ptr.To(int32(request.Count))
	}
	for _, capability := range request.Capabilities[0] {
		if capability != gpuCapability {
			gpus.Capabilities = append(gpus.Capabilities, capability)
		}
	}
	return gpus, nil
}
