// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// readMounts reads the mounts that Docker was asked for. It keeps each of them as it was asked for it.
func readMounts(r *reading) {
	held := r.heldMounts()
	if !r.isMadeHere() {
		r.spec.Mounts = held
		return
	}
	for _, item := range itemsOf[v1alpha1.ContainerMount](r.fields.at("mounts")) {
		i := slices.IndexFunc(held, func(m v1alpha1.ContainerMount) bool { return isSamePath(m.Target, item.keys.Target) })
		if i >= 0 {
			r.spec.Mounts = append(r.spec.Mounts, asGiven(held[i], item))
		}
	}
}

func isSamePath(a, b string) bool { return path.Clean(a) == path.Clean(b) }

// asGiven returns a mount as the creator wrote it: with its target, and with groups of options even if they are empty.
func asGiven(m v1alpha1.ContainerMount, item given[v1alpha1.ContainerMount]) v1alpha1.ContainerMount {
	m.Target = item.keys.Target
	if item.fields.at("bind") != nil && m.Bind == nil {
		m.Bind = &v1alpha1.ContainerBindOptions{}
	}
	if item.fields.at("volume") != nil && m.Volume == nil {
		m.Volume = &v1alpha1.ContainerVolumeOptions{}
	}
	if item.fields.at("image") != nil && m.Image == nil {
		m.Image = &v1alpha1.ContainerImageMountOptions{}
	}
	if m.Type != v1alpha1.ContainerMountTmpfs {
		return m
	}
	if item.fields.at("tmpfs") != nil && m.Tmpfs == nil {
		m.Tmpfs = &v1alpha1.ContainerTmpfsOptions{}
	}
	if m.Tmpfs != nil && m.Tmpfs.Size != nil {
		m.Tmpfs.Size = quantityAs(item.fields.at("tmpfs", "size").value(), m.Tmpfs.Size.Value())
	}
	return m
}

// heldMounts returns all that Docker was asked to mount, except for the volumes of the image. A container that has the
// volumes of others shows each of them.
func (r *reading) heldMounts() (held []v1alpha1.ContainerMount) {
	for _, bind := range r.host.Binds {
		if m, ok := r.mountOfBind(bind); ok {
			held = append(held, m)
		}
	}
	for _, m := range r.host.Mounts {
		held = append(held, mountOf(m))
	}
	for _, target := range slices.Sorted(maps.Keys(r.host.Tmpfs)) {
		held = append(held, mountOfTmpfs(target, r.host.Tmpfs[target]))
	}
	for i := range held {
		held[i].Target = path.Clean(held[i].Target)
	}
	has := func(target string) bool {
		return slices.ContainsFunc(held, func(m v1alpha1.ContainerMount) bool { return isSamePath(m.Target, target) })
	}
	for _, target := range slices.Sorted(maps.Keys(r.config.Volumes)) {
		_, isOfImage := r.image.Volumes[target]
		if (r.isMadeHere() || !isOfImage) && !has(target) {
			held = append(held, v1alpha1.ContainerMount{Type: v1alpha1.ContainerMountVolume, Target: path.Clean(target)})
		}
	}
	if len(r.host.VolumesFrom) > 0 {
		for _, m := range mountsOf(r.InspectResponse) {
			if !has(m.Target) {
				held = append(held, mountOfOther(m))
			}
		}
	}
	return held
}

// mountOfTmpfs reads what docker run --tmpfs takes.
func mountOfTmpfs(target, options string) v1alpha1.ContainerMount {
	m := v1alpha1.ContainerMount{Type: v1alpha1.ContainerMountTmpfs, Target: target}
	var others []string
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "", readWrite:
		case readOnly:
			m.ReadOnly = true
		default:
			others = append(others, option)
		}
	}
	if len(others) > 0 {
		m.Tmpfs = &v1alpha1.ContainerTmpfsOptions{Options: others}
	}
	return m
}

// mountOfBind reads what docker run --volume takes: source, target and options, or only a target.
func (r *reading) mountOfBind(bind string) (m v1alpha1.ContainerMount, ok bool) {
	parts := strings.Split(bind, ":")
	if len(parts) > 3 { // a path of Windows
		return m, false
	}
	m = v1alpha1.ContainerMount{Type: v1alpha1.ContainerMountVolume, Target: parts[0]}
	if len(parts) > 1 {
		m.Source, m.Target = parts[0], parts[1]
	}
	var options []string
	if len(parts) > 2 {
		options = strings.Split(parts[2], ",")
	}
	m.ReadOnly = slices.Contains(options, readOnly)
	if strings.HasPrefix(m.Source, "/") {
		m.Source = path.Clean(m.Source)
		m.Type, m.Bind = v1alpha1.ContainerMountBind, &v1alpha1.ContainerBindOptions{CreateHostPath: true}
		for _, option := range options {
			if slices.Contains(mount.Propagations, mount.Propagation(option)) {
				m.Bind.Propagation = option
			}
		}
		for name, option := range selinuxModes {
			if slices.Contains(options, option) {
				m.Bind.Selinux = name
			}
		}
		return m, true
	}
	driver := r.host.VolumeDriver
	if driver == v1alpha1.DefaultVolumeDriver {
		driver = ""
	}
	if isCopied := !slices.Contains(options, noCopy); !isCopied || driver != "" {
		m.Volume = &v1alpha1.ContainerVolumeOptions{NoCopy: !isCopied, Driver: driver}
	}
	return m, true
}

// mountOf reads what docker run --mount takes.
func mountOf(held mount.Mount) v1alpha1.ContainerMount {
	m := v1alpha1.ContainerMount{Type: v1alpha1.ContainerMountType(held.Type), Source: held.Source, Target: held.Target, ReadOnly: held.ReadOnly}
	if o := held.BindOptions; o != nil {
		options := v1alpha1.ContainerBindOptions{Propagation: string(o.Propagation), NonRecursive: o.NonRecursive, CreateHostPath: o.CreateMountpoint}
		if options != (v1alpha1.ContainerBindOptions{}) {
			m.Bind = &options
		}
	}
	if o := held.VolumeOptions; o != nil {
		driver := cmp.Or(o.DriverConfig, &mount.Driver{})
		if o.NoCopy || o.Subpath != "" || len(o.Labels) > 0 || driver.Name != "" || len(driver.Options) > 0 {
			m.Volume = &v1alpha1.ContainerVolumeOptions{
				NoCopy: o.NoCopy, Subpath: o.Subpath, Labels: maps.Clone(o.Labels), Driver: driver.Name, Options: maps.Clone(driver.Options),
			}
		}
	}
	if o := held.TmpfsOptions; o != nil && (o.SizeBytes != 0 || o.Mode != 0) {
		m.Tmpfs = &v1alpha1.ContainerTmpfsOptions{}
		if o.SizeBytes != 0 {
			m.Tmpfs.Size = quantityOf(o.SizeBytes)
		}
		if o.Mode != 0 {
			m.Tmpfs.Mode = new(int32(o.Mode))
		}
	}
	if o := held.ImageOptions; o != nil && o.Subpath != "" {
		m.Image = &v1alpha1.ContainerImageMountOptions{Subpath: o.Subpath}
	}
	return m
}

// mountOfOther returns a mount that the container took over from another container.
func mountOfOther(m v1alpha1.ContainerMountStatus) v1alpha1.ContainerMount {
	source := m.Source
	if m.Type == v1alpha1.ContainerMountVolume {
		source = m.Name
	}
	return v1alpha1.ContainerMount{Type: m.Type, Source: source, Target: m.Target, ReadOnly: m.ReadOnly}
}

// mountsOf returns what a container has mounted. Docker lists it in any order, and leaves out what docker run --tmpfs asks
// for.
func mountsOf(c *container.InspectResponse) (shown []v1alpha1.ContainerMountStatus) {
	for _, m := range c.Mounts {
		shown = append(shown, v1alpha1.ContainerMountStatus{
			Type: v1alpha1.ContainerMountType(m.Type), Name: m.Name, Source: m.Source, Target: m.Destination, Driver: m.Driver,
			ReadOnly: !m.RW, Propagation: string(m.Propagation),
		})
	}
	if c.ContainerJSONBase != nil && c.HostConfig != nil {
		for target, options := range c.HostConfig.Tmpfs {
			isReadOnly := slices.Contains(strings.Split(options, ","), readOnly)
			shown = append(shown, v1alpha1.ContainerMountStatus{Type: v1alpha1.ContainerMountTmpfs, Target: target, ReadOnly: isReadOnly})
		}
	}
	slices.SortFunc(shown, func(a, b v1alpha1.ContainerMountStatus) int { return cmp.Compare(a.Target, b.Target) })
	return shown
}
