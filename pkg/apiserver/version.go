// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
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

// EffectiveVersion returns the version of Kubernetes whose features the server has.
func EffectiveVersion() basecompatibility.MutableEffectiveVersion {
	return effectiveVersion{basecompatibility.NewEffectiveVersionFromString(baseversion.DefaultKubeBinaryVersion, "", "")}
}

// effectiveVersion introduces the server by the version of Kubernetes, which clients compare with their own, and names
// the server's version in its build metadata.
type effectiveVersion struct {
	basecompatibility.MutableEffectiveVersion
}

// Info implements compatibility.EffectiveVersion.
func (v effectiveVersion) Info() *apimachineryversion.Info {
	info := v.MutableEffectiveVersion.Info()
	binary := v.BinaryVersion()
	info.GitVersion = fmt.Sprintf("v%d.%d.%d+%s.%s", binary.Major(), binary.Minor(), binary.Patch(), name, strings.ReplaceAll(Version(), "+", "."))
	return info
}
