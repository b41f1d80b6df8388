// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package runflags

import (
	"fmt"
	"strings"

	"github.com/docker/cli/opts"
	"github.com/docker/docker/api/types/mount"
	"github.com/spf13/pflag"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// storage says what a container has mounted.
type storage struct {
	volumes, tmpfs opts.ListOpts
	mounts         opts.MountOpt
	shmSize        opts.MemBytes
}

func newStorage() *storage {
	return &storage{volumes: opts.NewListOpts(nil), tmpfs: opts.NewListOpts(nil)}
}

func (s *storage) add(flags *pflag.FlagSet) {
	flags.VarP(&s.volumes, "volume", "v", "Bind mount a volume")
	flags.Var(&s.mounts, "mount", "Attach a filesystem mount to the container")
	flags.Var(&s.tmpfs, "tmpfs", "Mount a tmpfs directory")
	flags.Var(&s.shmSize, "shm-size", "Size of /dev/shm")
}

func (s *storage) apply(c *v1alpha1.Container) error {
	c.Spec.ShmSize = bytesOf(s.shmSize.Value())
	for _, given := range s.volumes.GetSlice() {
		mounted, err := parseVolume(given)
		if err != nil {
			return err
		}
		c.Spec.Mounts = append(c.Spec.Mounts, mounted)
	}
	for _, given := range s.mounts.Value() {
		mounted, err := mountOf(&given)
		if err != nil {
			return err
		}
		c.Spec.Mounts = append(c.Spec.Mounts, mounted)
	}
	for _, given := range s.tmpfs.GetSlice() {
		c.Spec.Mounts = append(c.Spec.Mounts, parseTmpfs(given))
	}
	for i := range c.Spec.Mounts {
		mounted := &c.Spec.Mounts[i]
		mounted.Target = clean(mounted.Target)
		if mounted.Type == v1alpha1.ContainerMountBind {
			mounted.Source = clean(mounted.Source)
		}
	}
	return nil
}

// parseTmpfs reads a value of --tmpfs: TARGET[:OPTIONS]. Docker evaluates the options when it mounts.
func parseTmpfs(given string) v1alpha1.ContainerMount {
	target, options, _ := strings.Cut(given, ":")
	mounted := v1alpha1.ContainerMount{Type: v1alpha1.ContainerMountTmpfs, Target: target}
	var others []string
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "", "rw":
		case "ro":
			mounted.ReadOnly = true
		default:
			others = append(others, option)
		}
	}
	if len(others) > 0 {
		mounted.Tmpfs = &v1alpha1.ContainerTmpfsOptions{Options: others}
	}
	return mounted
}

// mountOf converts a value of --mount.
func mountOf(given *mount.Mount) (v1alpha1.ContainerMount, error) {
	mounted := v1alpha1.ContainerMount{
		Type: v1alpha1.ContainerMountType(given.Type), Source: given.Source, Target: given.Target, ReadOnly: given.ReadOnly,
	}
	if from := given.BindOptions; from != nil {
		if from.ReadOnlyNonRecursive || from.ReadOnlyForceRecursive {
			return mounted, fmt.Errorf("--mount: bind-recursive of %s can only be enabled or disabled", given.Target)
		}
		mounted.Bind = &v1alpha1.ContainerBindOptions{Propagation: string(from.Propagation), NonRecursive: from.NonRecursive, CreateHostPath: from.CreateMountpoint}
	}
	if from := given.VolumeOptions; from != nil {
		mounted.Volume = &v1alpha1.ContainerVolumeOptions{NoCopy: from.NoCopy, Subpath: from.Subpath}
		if len(from.Labels) > 0 {
			mounted.Volume.Labels = from.Labels
		}
		if driver := from.DriverConfig; driver != nil {
			mounted.Volume.Driver, mounted.Volume.Options = driver.Name, driver.Options
		}
	}
	if from := given.TmpfsOptions; from != nil {
		mounted.Tmpfs = &v1alpha1.ContainerTmpfsOptions{Size: bytesOf(from.SizeBytes)}
		if from.Mode != 0 {
			mounted.Tmpfs.Mode = ptr.To(int32(from.Mode))
		}
	}
	if from := given.ImageOptions; from != nil {
		mounted.Image = &v1alpha1.ContainerImageMountOptions{Subpath: from.Subpath}
	}
	return mounted, nil
}
