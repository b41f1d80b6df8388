// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"

	apimachineryversion "k8s.io/apimachinery/pkg/version"
	basecompatibility "k8s.io/component-base/compatibility"
	baseversion "k8s.io/component-base/version"
)

const (
	modulePath = "github.com/rancher-sandbox/engine-apiserver"
	// unstamped is a part of each version and commit that the linker flags did not set.
	unstamped = "$Format"
	// noDate is the build date if the linker flags did not set one.
	noDate = "1970-01-01T00:00:00Z"
)

// Version returns the version that the linker flags set, or else the version of this module.
func Version() string { return BuildInfo().GitVersion }

// BuildInfo returns what is known about the build of this program. Unknown fields are empty.
var BuildInfo = sync.OnceValue(func() apimachineryversion.Info {
	build, _ := debug.ReadBuildInfo()
	return buildInfo(baseversion.Get(), build)
})

// buildInfo returns the information from the linker flags. It takes what is missing from the information that Go
// records in a build from a checkout of this module.
func buildInfo(info apimachineryversion.Info, build *debug.BuildInfo) apimachineryversion.Info {
	if strings.Contains(info.GitVersion, unstamped) {
		info.GitVersion = ""
	}
	if strings.Contains(info.GitCommit, unstamped) {
		info.GitCommit = ""
	}
	if info.BuildDate == noDate {
		info.BuildDate = ""
	}
	recorded := recordedBuild(build)
	info.GitVersion = cmp.Or(info.GitVersion, recorded.GitVersion, "v0.0.0-devel")
	if info.GitCommit == "" {
		info.GitCommit, info.GitTreeState = recorded.GitCommit, recorded.GitTreeState
		info.BuildDate = cmp.Or(info.BuildDate, recorded.BuildDate)
	}
	return info
}

// recordedBuild returns what Go recorded about this module. If another program links the module, only the version of
// the module is known: the recorded commit is that of the program.
func recordedBuild(build *debug.BuildInfo) (info apimachineryversion.Info) {
	if build == nil {
		return info
	}
	if build.Main.Path != modulePath {
		for _, module := range build.Deps {
			if module.Path == modulePath {
				info.GitVersion = releasedVersion(module.Version)
			}
		}
		return info
	}
	info.GitVersion = releasedVersion(build.Main.Version)
	settings := map[string]string{}
	for _, setting := range build.Settings {
		settings[setting.Key] = setting.Value
	}
	info.GitCommit = settings["vcs.revision"]
	info.GitTreeState = map[string]string{"true": "dirty", "false": "clean"}[settings["vcs.modified"]]
	// The date is the date of the commit, as in Kubernetes' own releases. The same source then gives the same program.
	info.BuildDate = settings["vcs.time"]
	return info
}

func releasedVersion(version string) string {
	if strings.HasPrefix(version, "v") {
		return version
	}
	return "" // the version is (devel)
}

// EffectiveVersion returns the version of Kubernetes whose features the server has.
func EffectiveVersion() basecompatibility.MutableEffectiveVersion {
	return effectiveVersion{basecompatibility.NewEffectiveVersionFromString(baseversion.DefaultKubeBinaryVersion, "", "")}
}

// effectiveVersion reports the Kubernetes version as the version of the server, because clients compare it with their
// own. The build metadata of that version names the version of engine-apiserver.
type effectiveVersion struct {
	basecompatibility.MutableEffectiveVersion
}

// Info implements compatibility.EffectiveVersion.
func (v effectiveVersion) Info() *apimachineryversion.Info {
	info, build := v.MutableEffectiveVersion.Info(), BuildInfo()
	binary := v.BinaryVersion()
	info.GitVersion = fmt.Sprintf("v%d.%d.%d+%s.%s", binary.Major(), binary.Minor(), binary.Patch(), name, strings.ReplaceAll(build.GitVersion, "+", "."))
	info.GitCommit, info.GitTreeState, info.BuildDate = build.GitCommit, build.GitTreeState, build.BuildDate
	return info
}
