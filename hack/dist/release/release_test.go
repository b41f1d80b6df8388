// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestOnlySemanticVersionsAreReleased(t *testing.T) {
	for _, version := range []string{"v0.2.0", "v1.0.0-rc.1", "v10.20.30", "v0.0.0-g541357d", "v0.2.0-5-g541357d", "v1.0.0-alpha-a.b-c"} {
		if err := Check(version); err != nil {
			t.Error(err)
		}
	}
	for version, words := range map[string]string{
		"":              "needs a version: make dist VERSION=v0.2.0",
		"0.2.0":         "it needs a v in front: v0.2.0",
		"v0.2":          "such as v0.2.0",
		"v0.2.0.1":      "such as v0.2.0",
		"v01.2.0":       "such as v0.2.0",
		"v0.2.0-":       "such as v0.2.0",
		"v0.2.0-01":     "such as v0.2.0",
		"v0.2.0-rc_1":   "such as v0.2.0",
		"v0.2.0+linux":  "build metadata",
		"latest":        "such as v0.2.0",
		"v0.2.0 ":       "such as v0.2.0",
		"v0.2.0\nv0.3":  "such as v0.2.0",
		"v0.2.0/../etc": "such as v0.2.0",
	} {
		if err := Check(version); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v, want %q", version, err, words)
		}
	}
}

// repository makes a repository with one commit, and returns its directory.
func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "content")
	write(t, filepath.Join(dir, "hack", "version.sh"), "#!/bin/sh\necho \"-X version=$2\"\n")
	for _, arguments := range [][]string{
		{"init", "-q"}, {"add", "."},
		{"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "all"},
	} {
		command := exec.Command("git", append([]string{"-C", dir}, arguments...)...)
		command.Env = append(os.Environ(), "GIT_COMMITTER_DATE=2026-03-06T12:00:00Z", "GIT_CONFIG_GLOBAL=/dev/null")
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", arguments, err, output)
		}
	}
	return dir
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestTheTimeOfAReleaseIsThatOfItsCommit(t *testing.T) {
	release, err := Of(t.Context(), repository(t), "v0.2.0", false)
	if err != nil {
		t.Fatal(err)
	}
	if got := release.Time.Format("2006-01-02T15:04:05Z07:00"); got != "2026-03-06T12:00:00Z" {
		t.Error(got)
	}
	if release.Number() != "0.2.0" || len(release.Commit) != 40 || release.LinkerFlags != "-X version=v0.2.0" {
		t.Errorf("%+v", release)
	}
}

func TestATreeWithChangesIsRefusedByName(t *testing.T) {
	dir := repository(t)
	write(t, filepath.Join(dir, "file"), "changed")
	for _, name := range []string{"new1", "new2", "new3"} {
		write(t, filepath.Join(dir, name), "")
	}
	_, err := Of(t.Context(), dir, "v0.2.0", false)
	if err == nil || !strings.Contains(err.Error(), "not as in the commit: file, new1, new2, and 1 more: commit or remove them") {
		t.Error(err)
	}
	if _, err := Of(t.Context(), dir, "v0.2.0", true); err != nil {
		t.Error(err)
	}
}

func TestAWrongVersionIsRefusedBeforeTheTreeIsLookedAt(t *testing.T) {
	if _, err := Of(t.Context(), t.TempDir(), "0.2", false); err == nil || !strings.Contains(err.Error(), "is no version for a release") {
		t.Error(err)
	}
}
