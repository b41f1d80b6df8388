// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package runflags

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/mount"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// option is what may stand at the end of a value of --volume. A mount takes one option of each kind.
type option struct {
	kind string
	set  func(*v1alpha1.ContainerMount)
}

// volumeOptions are the options of --volume.
var volumeOptions = func() map[string]option {
	bind := func(set func(*v1alpha1.ContainerBindOptions)) func(*v1alpha1.ContainerMount) {
		return func(m *v1alpha1.ContainerMount) {
			if m.Bind == nil {
				m.Bind = &v1alpha1.ContainerBindOptions{}
			}
			set(m.Bind)
		}
	}
	nothing := func(*v1alpha1.ContainerMount) {}
	options := map[string]option{
		"rw":         {"access", nothing},
		"ro":         {"access", func(m *v1alpha1.ContainerMount) { m.ReadOnly = true }},
		"z":          {"label", bind(func(b *v1alpha1.ContainerBindOptions) { b.Selinux = "shared" })},
		"Z":          {"label", bind(func(b *v1alpha1.ContainerBindOptions) { b.Selinux = "private" })},
		"nocopy":     {"copy", func(m *v1alpha1.ContainerMount) { m.Volume = &v1alpha1.ContainerVolumeOptions{NoCopy: true} }},
		"consistent": {"consistency", nothing}, // without an effect on Linux
		"cached":     {"consistency", nothing},
		"delegated":  {"consistency", nothing},
	}
	for _, propagation := range mount.Propagations {
		options[string(propagation)] = option{"propagation", bind(func(b *v1alpha1.ContainerBindOptions) { b.Propagation = string(propagation) })}
	}
	return options
}()

// parseVolume reads a value of --volume: [SOURCE:]TARGET[:OPTIONS]. The engine reads it in the same way. Its own parser is
// part of a package for engines. As with docker, a path on this host may be relative.
func parseVolume(given string) (mounted v1alpha1.ContainerMount, err error) {
	parts := strings.Split(given, ":")
	invalid := fmt.Errorf("invalid volume specification: '%s'", given)
	if len(parts) > 3 || slices.Contains(parts, "") {
		return mounted, invalid
	}
	mounted = v1alpha1.ContainerMount{Type: v1alpha1.ContainerMountVolume, Target: parts[0]}
	if len(parts) > 1 {
		mounted.Source, mounted.Target = parts[0], parts[1]
	}
	if strings.HasPrefix(mounted.Source, ".") {
		if mounted.Source, err = filepath.Abs(mounted.Source); err != nil {
			return mounted, fmt.Errorf("%w: %w", invalid, err)
		}
	}
	if path.IsAbs(mounted.Source) {
		mounted.Type, mounted.Bind = v1alpha1.ContainerMountBind, &v1alpha1.ContainerBindOptions{CreateHostPath: true}
	}
	if !path.IsAbs(mounted.Target) {
		return mounted, fmt.Errorf("%w: invalid mount path: '%s' mount path must be absolute", invalid, mounted.Target)
	}
	if len(parts) == 3 {
		err = setVolumeOptions(&mounted, parts[2])
	}
	if mounted.Type == v1alpha1.ContainerMountVolume && mounted.Bind != nil && *mounted.Bind == (v1alpha1.ContainerBindOptions{Selinux: "shared"}) {
		mounted.Bind = nil // Docker labels volumes so anyway
	}
	if mounted.Type == v1alpha1.ContainerMountVolume && mounted.Bind != nil || mounted.Type == v1alpha1.ContainerMountBind && mounted.Volume != nil {
		return mounted, fmt.Errorf("%w: %s does not go with a %s", invalid, parts[2], mounted.Type)
	}
	return mounted, err
}

func setVolumeOptions(mounted *v1alpha1.ContainerMount, given string) error {
	seen := map[string]bool{}
	for word := range strings.SplitSeq(given, ",") {
		o, known := volumeOptions[word]
		if !known || seen[o.kind] {
			return fmt.Errorf("invalid mode: %s", given)
		}
		seen[o.kind] = true
		o.set(mounted)
	}
	return nil
}
