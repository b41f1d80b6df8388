// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"runtime/debug"
	"strings"

	apimachineryversion "k8s.io/apimachinery/pkg/version"
	basecompatibility "k8s.io/component-base/compatibility"
	baseversion "k8s.io/component-base/version"
)

// Version is what the program was stamped with or, if it was not, the version of its module.
func Version() string {
	if stamped := baseversion.Get().GitVersion; !strings.Contains(stamped, "$Format") {
		return stamped
	}
	if info, ok := debug.ReadBuildInfo(); ok && strings.HasPrefix(info.Main.Version, "v") {
		return info.Main.Version
	}
	return "v0.0.0-devel"
}

// EffectiveVersion returns the version of Kubernetes whose features the server has. It introduces itself by its own
// version.
func EffectiveVersion() basecompatibility.MutableEffectiveVersion {
	return effectiveVersion{basecompatibility.NewEffectiveVersionFromString(baseversion.DefaultKubeBinaryVersion, "", "")}
}

type effectiveVersion struct {
	basecompatibility.MutableEffectiveVersion
}

// Info implements compatibility.EffectiveVersion.
func (v effectiveVersion) Info() *apimachineryversion.Info {
	info := v.MutableEffectiveVersion.Info()
	info.GitVersion = Version()
	return info
}
