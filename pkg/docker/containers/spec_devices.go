// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	allPermissions = "rwm"
	// cdiDriver is the driver of devices that have a name of the Container Device Interface.
	cdiDriver = "cdi"
	// gpuCapability is what a device must have to be a GPU.
	gpuCapability = "gpu"
)

// isCDI reports whether a device is named by the Container Device Interface, as vendor.com/class=name.
func isCDI(device string) bool {
	return !strings.HasPrefix(device, "/") && strings.Contains(device, "=")
}

func writeDevices(s *v1alpha1.ContainerSpec, c *creation) *field.Error {
	var named []string
	for _, d := range s.Devices {
		if isCDI(d.HostPath) {
			named = append(named, d.HostPath)
			continue
		}
		c.host.Devices = append(c.host.Devices, container.DeviceMapping{
			PathOnHost: d.HostPath, PathInContainer: cmp.Or(d.ContainerPath, d.HostPath), CgroupPermissions: cmp.Or(d.Permissions, allPermissions),
		})
	}
	if len(named) > 0 {
		c.host.DeviceRequests = append(c.host.DeviceRequests, container.DeviceRequest{Driver: cdiDriver, DeviceIDs: named})
	}
	if g := s.Gpus; g != nil {
		request := container.DeviceRequest{Driver: g.Driver, DeviceIDs: g.DeviceIDs, Capabilities: [][]string{g.Capabilities}}
		if !slices.Contains(g.Capabilities, gpuCapability) {
			request.Capabilities[0] = append(slices.Clone(g.Capabilities), gpuCapability)
		}
		if g.Count != nil {
			request.Count = int(*g.Count)
		}
		c.host.DeviceRequests = append(c.host.DeviceRequests, request)
	}
	return nil
}

func readDevices(r *reading) {
	var held []v1alpha1.ContainerDevice
	for _, d := range r.host.Devices {
		held = append(held, v1alpha1.ContainerDevice{HostPath: d.PathOnHost, ContainerPath: d.PathInContainer, Permissions: d.CgroupPermissions})
	}
	for _, request := range r.host.DeviceRequests {
		if request.Driver == cdiDriver && len(request.Capabilities) == 0 { // GPUs may have that driver, too
			for _, id := range request.DeviceIDs {
				held = append(held, v1alpha1.ContainerDevice{HostPath: id})
			}
		} else if r.spec.Gpus == nil && (!r.isMadeHere() || r.gave("gpus")) {
			r.spec.Gpus = r.gpus(request)
		}
	}
	if !r.isMadeHere() {
		for _, d := range held {
			r.spec.Devices = append(r.spec.Devices, withoutUsual(d))
		}
		return
	}
	for _, item := range itemsOf[v1alpha1.ContainerDevice](r.fields.at("devices")) {
		i := slices.IndexFunc(held, func(d v1alpha1.ContainerDevice) bool {
			return d.HostPath == item.keys.HostPath && (isCDI(d.HostPath) || d.ContainerPath == cmp.Or(item.keys.ContainerPath, item.keys.HostPath))
		})
		if i < 0 {
			continue
		}
		shown := item.keys
		if item.fields.at("permissions") != nil {
			shown.Permissions = held[i].Permissions
		}
		held = slices.Delete(held, i, i+1) // the same device may be given again, with other permissions
		r.spec.Devices = append(r.spec.Devices, shown)
	}
}

// withoutUsual returns a device without what Docker would have taken anyway.
func withoutUsual(d v1alpha1.ContainerDevice) v1alpha1.ContainerDevice {
	if d.ContainerPath == d.HostPath {
		d.ContainerPath = ""
	}
	if d.Permissions == allPermissions {
		d.Permissions = ""
	}
	return d
}

func (r *reading) gpus(request container.DeviceRequest) *v1alpha1.ContainerGPUs {
	shown := &v1alpha1.ContainerGPUs{
		Driver:    pick(r, request.Driver, "", "gpus", "driver"),
		DeviceIDs: pickList(r, request.DeviceIDs, "gpus", "deviceIDs"),
	}
	if r.shows(request.Count != 0, "gpus", "count") {
		shown.Count = new(int32(min(max(request.Count, math.MinInt32), math.MaxInt32)))
	}
	if len(request.Capabilities) > 0 && r.shows(!slices.Equal(request.Capabilities[0], []string{gpuCapability}), "gpus", "capabilities") {
		shown.Capabilities = slices.Clone(request.Capabilities[0])
		if n := len(shown.Capabilities); r.isMadeHere() && n > r.fields.at("gpus", "capabilities").indexes() {
			shown.Capabilities = shown.Capabilities[:n-1] // gpu was added
		}
	}
	return shown
}
