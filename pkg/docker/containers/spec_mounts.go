// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"os"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/mount"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// These versions of the API are the first with an option of mounts. An older engine would ignore the option.
const (
	createsMountpoint = "1.42"
	hasVolumeSubpath  = "1.45"
	hasImageSubpath   = "1.48"
)

// These are options of docker run --volume and --tmpfs.
const (
	readOnly      = "ro"
	readWrite     = "rw"
	noCopy        = "nocopy"
	selinuxShared = "z"
	selinuxOwn    = "Z"
)

// selinuxModes maps the values of bind.selinux to options of docker run --volume.
var selinuxModes = map[string]string{"shared": selinuxShared, "private": selinuxOwn}

// writeMounts asks for a mount as docker run does for --volume and --tmpfs where these can say it, and as for --mount where
// they cannot.
func writeMounts(s *v1alpha1.ContainerSpec, c *creation) *field.Error {
	for i, m := range s.Mounts {
		switch {
		case isPlainTmpfs(m):
			if c.host.Tmpfs == nil {
				c.host.Tmpfs = map[string]string{}
			}
			c.host.Tmpfs[m.Target] = tmpfsOptions(m)
		case isPlainVolume(m) && m.Source == "" && !m.ReadOnly:
			if c.config.Volumes == nil {
				c.config.Volumes = map[string]struct{}{}
			}
			c.config.Volumes[m.Target] = struct{}{}
		case isPlainVolume(m) && m.Source != "" && canBeBind(m), isPlainBind(m) && canBeBind(m):
			c.host.Binds = append(c.host.Binds, bindOf(m))
		default:
			made, err := c.mountOf(m, specPath.Child("mounts").Index(i))
			if err != nil {
				return err
			}
			c.host.Mounts = append(c.host.Mounts, made)
		}
	}
	return nil
}

func isPlainTmpfs(m v1alpha1.ContainerMount) bool {
	return m.Type == v1alpha1.ContainerMountTmpfs && (m.Tmpfs == nil || m.Tmpfs.Size == nil && m.Tmpfs.Mode == nil)
}

func isPlainVolume(m v1alpha1.ContainerMount) bool {
	o := m.Volume
	return m.Type == v1alpha1.ContainerMountVolume && (o == nil || !o.NoCopy && o.Subpath == "" && o.Driver == "" && len(o.Options) == 0 && len(o.Labels) == 0)
}

func isPlainBind(m v1alpha1.ContainerMount) bool {
	return m.Type == v1alpha1.ContainerMountBind && m.Bind != nil && m.Bind.CreateHostPath && !m.Bind.NonRecursive
}

// canBeBind reports whether colons can separate the parts of the mount.
func canBeBind(m v1alpha1.ContainerMount) bool { return !strings.Contains(m.Source+m.Target, ":") }

func tmpfsOptions(m v1alpha1.ContainerMount) string {
	var options []string
	if m.Tmpfs != nil {
		options = slices.Clone(m.Tmpfs.Options)
	}
	if m.ReadOnly {
		options = append(options, readOnly)
	}
	return strings.Join(options, ",")
}

// bindOf returns the mount as docker run --volume takes it.
func bindOf(m v1alpha1.ContainerMount) string {
	var options []string
	if m.ReadOnly {
		options = append(options, readOnly)
	}
	if m.Bind != nil {
		options = append(options, selinuxModes[m.Bind.Selinux], m.Bind.Propagation)
	}
	options = slices.DeleteFunc(options, func(option string) bool { return option == "" })
	bind := m.Source + ":" + m.Target
	if len(options) > 0 {
		bind += ":" + strings.Join(options, ",")
	}
	return bind
}

// mountOf returns the mount as docker run --mount takes it.
func (c *creation) mountOf(m v1alpha1.ContainerMount, at *field.Path) (made mount.Mount, err *field.Error) {
	made = mount.Mount{Type: mount.Type(m.Type), Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly}
	if o := m.Bind; o != nil {
		made.BindOptions = &mount.BindOptions{Propagation: mount.Propagation(o.Propagation), NonRecursive: o.NonRecursive, CreateMountpoint: o.CreateHostPath}
		if o.CreateHostPath && !c.has(createsMountpoint) {
			return made, c.tooOld(at.Child("bind", "createHostPath"), createsMountpoint)
		}
	}
	if o := m.Volume; o != nil {
		made.VolumeOptions = &mount.VolumeOptions{NoCopy: o.NoCopy, Subpath: o.Subpath, Labels: o.Labels}
		if o.Driver != "" || len(o.Options) > 0 {
			made.VolumeOptions.DriverConfig = &mount.Driver{Name: o.Driver, Options: o.Options}
		}
		if o.Subpath != "" && !c.has(hasVolumeSubpath) {
			return made, c.tooOld(at.Child("volume", "subpath"), hasVolumeSubpath)
		}
	}
	if o := m.Tmpfs; o != nil {
		made.TmpfsOptions = &mount.TmpfsOptions{}
		if o.Size != nil {
			made.TmpfsOptions.SizeBytes = o.Size.Value()
		}
		if o.Mode != nil {
			made.TmpfsOptions.Mode = os.FileMode(*o.Mode)
		}
	}
	if m.Type == v1alpha1.ContainerMountImage {
		if !c.has(hasImageSubpath) {
			return made, c.tooOld(at.Child("type"), hasImageSubpath)
		}
		if m.Image != nil {
			made.ImageOptions = &mount.ImageOptions{Subpath: m.Image.Subpath}
		}
	}
	return made, nil
}
