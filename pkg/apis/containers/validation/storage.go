// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	maxVolumeName = 255
	maxMode       = 0o7777
)

var (
	mountTypes = []v1alpha1.ContainerMountType{
		v1alpha1.ContainerMountBind, v1alpha1.ContainerMountVolume, v1alpha1.ContainerMountTmpfs, v1alpha1.ContainerMountImage,
	}
	propagations = []string{"private", "rprivate", "shared", "rshared", "slave", "rslave"}
	seLabels     = []string{"shared", "private"}

	// driverGrammar has the names of volume drivers, log drivers and runtimes.
	driverGrammar = regexp.MustCompile(`^[a-zA-Z0-9/][a-zA-Z0-9_./:@-]*$`)
)

func validateMounts(spec *v1alpha1.ContainerSpec) field.ErrorList {
	var errs field.ErrorList
	targets := map[string]int{}
	for i, mount := range spec.Mounts {
		path := specPath.Child("mounts").Index(i)
		errs = append(errs, oneOf(path.Child("type"), mount.Type, mountTypes)...)
		errs = append(errs, validateTarget(path.Child("target"), mount.Target)...)
		if first, given := targets[mount.Target]; given {
			errs = append(errs, field.Invalid(path.Child("target"), mount.Target, fmt.Sprintf("must differ from the target of spec.mounts[%d]", first)))
		} else {
			targets[mount.Target] = i
		}
		errs = append(errs, validateOptionsOfType(path, mount)...)
		switch mount.Type {
		case v1alpha1.ContainerMountBind:
			errs = append(errs, validateBind(path, mount)...)
		case v1alpha1.ContainerMountVolume:
			errs = append(errs, validateVolume(path, mount)...)
		case v1alpha1.ContainerMountTmpfs:
			errs = append(errs, validateTmpfs(path, mount)...)
		case v1alpha1.ContainerMountImage:
			errs = append(errs, containers.ValidateImage(path.Child("source"), mount.Source)...)
			if mount.Image != nil {
				errs = append(errs, subpath(path.Child("image", "subpath"), mount.Image.Subpath)...)
			}
		}
	}
	return errs
}

func validateTarget(fieldPath *field.Path, target string) field.ErrorList {
	switch {
	case target == "":
		return field.ErrorList{field.Required(fieldPath, "must be the absolute path in the container")}
	case path.Clean(target) == "/":
		return field.ErrorList{field.Invalid(fieldPath, target, "must not be the root of the container's file system")}
	}
	return cleanPath(fieldPath, target)
}

// validateOptionsOfType returns an error for the options that belong to another type.
func validateOptionsOfType(path *field.Path, mount v1alpha1.ContainerMount) field.ErrorList {
	var errs field.ErrorList
	for _, options := range []struct {
		mountType v1alpha1.ContainerMountType
		given     bool
	}{
		{v1alpha1.ContainerMountBind, mount.Bind != nil}, {v1alpha1.ContainerMountVolume, mount.Volume != nil},
		{v1alpha1.ContainerMountTmpfs, mount.Tmpfs != nil}, {v1alpha1.ContainerMountImage, mount.Image != nil},
	} {
		if options.given && options.mountType != mount.Type {
			errs = append(errs, field.Forbidden(path.Child(string(options.mountType)), fmt.Sprintf("only a mount of type %s has these options", options.mountType)))
		}
	}
	return errs
}

func validateBind(path *field.Path, mount v1alpha1.ContainerMount) field.ErrorList {
	var errs field.ErrorList
	if source := path.Child("source"); mount.Source == "" {
		errs = append(errs, field.Required(source, "must be an absolute path on the engine's host"))
	} else {
		errs = append(errs, cleanPath(source, mount.Source)...)
	}
	options := mount.Bind
	if options == nil {
		return errs
	}
	path = path.Child("bind")
	if options.Propagation != "" {
		errs = append(errs, oneOf(path.Child("propagation"), options.Propagation, propagations)...)
	}
	if options.Selinux != "" {
		errs = append(errs, oneOf(path.Child("selinux"), options.Selinux, seLabels)...)
		if !options.CreateHostPath {
			errs = append(errs, field.Forbidden(path.Child("selinux"), "needs createHostPath"))
		}
	}
	if options.CreateHostPath {
		if options.NonRecursive {
			errs = append(errs, field.Forbidden(path.Child("nonRecursive"), "cannot be combined with createHostPath"))
		}
		if strings.Contains(mount.Source+mount.Target, ":") {
			errs = append(errs, field.Forbidden(path.Child("createHostPath"), "cannot be combined with ':' in source or target"))
		}
	}
	return errs
}

func validateVolume(path *field.Path, mount v1alpha1.ContainerMount) field.ErrorList {
	var errs field.ErrorList
	switch name := mount.Source; {
	case name == "" && mount.ReadOnly:
		errs = append(errs, field.Forbidden(path.Child("readOnly"), "needs source: an anonymous volume would stay empty"))
	case strings.HasPrefix(name, "/"):
		errs = append(errs, field.Invalid(path.Child("source"), name, "must be the name of a volume: for a path on the engine's host use the type bind"))
	case name != "" && (len(name) > maxVolumeName || !containers.IsContainerName(name)):
		errs = append(errs, field.Invalid(path.Child("source"), name,
			fmt.Sprintf("must be the name of a volume, with 2 to %d characters: letters, digits, '_', '.' and '-', and a letter or a digit first", maxVolumeName)))
	}
	if mount.Volume == nil {
		return errs
	}
	path = path.Child("volume")
	if mount.Volume.Subpath != "" && mount.Source == "" {
		errs = append(errs, field.Forbidden(path.Child("subpath"), "needs source: an anonymous volume is empty"))
	}
	errs = append(errs, subpath(path.Child("subpath"), mount.Volume.Subpath)...)
	errs = append(errs, driverName(path.Child("driver"), mount.Volume.Driver)...)
	errs = append(errs, containers.ValidateOptions(path.Child("options"), mount.Volume.Options)...)
	if _, given := mount.Volume.Labels[""]; given {
		errs = append(errs, field.Invalid(path.Child("labels"), "", "a label must have a name"))
	}
	return errs
}

func validateTmpfs(path *field.Path, mount v1alpha1.ContainerMount) field.ErrorList {
	var errs field.ErrorList
	if mount.Source != "" {
		errs = append(errs, field.Forbidden(path.Child("source"), "a mount of type tmpfs has none"))
	}
	tmpfs := mount.Tmpfs
	if tmpfs == nil {
		return errs
	}
	path = path.Child("tmpfs")
	errs = append(errs, bytesFrom(path.Child("size"), tmpfs.Size, 1)...)
	if tmpfs.Mode != nil && (*tmpfs.Mode < 1 || *tmpfs.Mode > maxMode) {
		errs = append(errs, field.Invalid(path.Child("mode"), *tmpfs.Mode, "must be between 1 and 4095, which is octal 07777: Docker takes 0 for no mode"))
	}
	for i, option := range tmpfs.Options {
		path := path.Child("options").Index(i)
		switch {
		case option == "ro" || option == "rw":
			errs = append(errs, field.Invalid(path, option, "use readOnly of the mount instead"))
		case option == "" || strings.ContainsAny(option, ", \x00"):
			errs = append(errs, field.Invalid(path, option, "must be one mount option, such as noexec or size=64m"))
		}
	}
	if len(tmpfs.Options) > 0 && (tmpfs.Size != nil || tmpfs.Mode != nil) {
		errs = append(errs, field.Forbidden(path.Child("options"), "cannot be combined with size and mode: write them as options, such as size=64m"))
	}
	return errs
}

func subpath(path *field.Path, value string) field.ErrorList {
	if value != "" && !filepath.IsLocal(value) {
		return field.ErrorList{field.Invalid(path, value, "must be a relative path that does not leave the mount")}
	}
	return nil
}

func driverName(path *field.Path, name string) field.ErrorList {
	if name != "" && !driverGrammar.MatchString(name) {
		return field.ErrorList{field.Invalid(path, name, "must be a name of letters, digits, '_', '.', '-', ':', '@' and '/'")}
	}
	return nil
}
