// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"runtime/debug"
	"testing"

	apimachineryversion "k8s.io/apimachinery/pkg/version"
)

func TestTheVersionNamesTheBuildAndLeavesOutWhatIsNotKnown(t *testing.T) {
	unstamped := apimachineryversion.Info{GitVersion: "v0.0.0-master+$Format:%H$", GitCommit: "$Format:%H$", BuildDate: "1970-01-01T00:00:00Z"}
	checkout := []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, {Key: "vcs.modified", Value: "true"}}
	for name, test := range map[string]struct {
		stamped apimachineryversion.Info
		build   *debug.BuildInfo
		want    apimachineryversion.Info
	}{
		"Nothing": {unstamped, nil, apimachineryversion.Info{GitVersion: "v0.0.0-devel"}},
		"Stamped": {
			apimachineryversion.Info{GitVersion: "v1.2.3", GitCommit: "def", GitTreeState: "clean", BuildDate: "2025-01-01T00:00:00Z"},
			&debug.BuildInfo{Main: debug.Module{Path: modulePath, Version: "v1.2.4"}, Settings: checkout},
			apimachineryversion.Info{GitVersion: "v1.2.3", GitCommit: "def", GitTreeState: "clean", BuildDate: "2025-01-01T00:00:00Z"},
		},
		"VersionStamped": {
			apimachineryversion.Info{GitVersion: "v1.2.3", GitCommit: unstamped.GitCommit, BuildDate: unstamped.BuildDate},
			&debug.BuildInfo{Main: debug.Module{Path: modulePath, Version: "(devel)"}, Settings: checkout},
			apimachineryversion.Info{GitVersion: "v1.2.3", GitCommit: "abc", GitTreeState: "dirty", BuildDate: "2026-01-02T03:04:05Z"},
		},
		"Checkout": {
			unstamped, &debug.BuildInfo{Main: debug.Module{Path: modulePath, Version: "(devel)"}, Settings: checkout},
			apimachineryversion.Info{GitVersion: "v0.0.0-devel", GitCommit: "abc", GitTreeState: "dirty", BuildDate: "2026-01-02T03:04:05Z"},
		},
		"Installed": {
			unstamped, &debug.BuildInfo{Main: debug.Module{Path: modulePath, Version: "v1.2.4"}},
			apimachineryversion.Info{GitVersion: "v1.2.4"},
		},
		"LinkedByAnotherProgram": {
			unstamped, &debug.BuildInfo{Main: debug.Module{Path: "example.net/other", Version: "v9.9.9"}, Settings: checkout, Deps: []*debug.Module{{Path: modulePath, Version: "v1.2.4"}}},
			apimachineryversion.Info{GitVersion: "v1.2.4"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := buildInfo(test.stamped, test.build); got != test.want {
				t.Errorf("%#v, want %#v", got, test.want)
			}
		})
	}
}
