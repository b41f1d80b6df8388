// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package release says what a release is made from: a version and a commit.
package release

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Release is what everything in a release is made from. Two releases with equal fields have the same bytes.
type Release struct {
	// Version is a semantic version with a v in front.
	Version string
	Commit  string
	// Time is that of the commit. It is the time of all files.
	Time time.Time
	// LinkerFlags put the version and the commit into a program.
	LinkerFlags string
}

// Number returns the version without the v.
func (r Release) Number() string { return strings.TrimPrefix(r.Version, "v") }

// pattern matches a semantic version with a v in front and without build metadata, which the tag of an image cannot have.
var pattern = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)` +
	`(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?$`)

// Check returns an error if a release cannot have this version.
func Check(version string) error {
	if pattern.MatchString(version) {
		return nil
	}
	var reason string
	switch {
	case version == "":
		return errors.New("a release needs a version: make dist VERSION=v0.2.0")
	case pattern.MatchString("v" + version):
		reason = ": it needs a v in front: v" + version
	case strings.Contains(version, "+"):
		reason = ": build metadata, which begin with a +, cannot be in the tag of an image"
	}
	return fmt.Errorf("%q is no version for a release, such as v0.2.0 or v0.3.0-rc.1%s", version, reason)
}

// Of returns the release of this version from the commit that is checked out in a repository. Unless changes are allowed, a
// file that is not as in the commit is an error: nobody else could build the same.
func Of(ctx context.Context, repository, version string, allowChanges bool) (Release, error) {
	if err := Check(version); err != nil {
		return Release{}, err
	}
	if !allowChanges {
		changes, err := run(ctx, repository, "git", "status", "--porcelain")
		if err != nil {
			return Release{}, err
		}
		if changes != "" {
			return Release{}, fmt.Errorf("a release is made from a commit, but these files are not as in the commit: %s: commit or remove them", summary(changes))
		}
	}
	release := Release{Version: version}
	var err error
	if release.Commit, err = run(ctx, repository, "git", "rev-parse", "--verify", "HEAD"); err != nil {
		return Release{}, err
	}
	seconds, err := run(ctx, repository, "git", "log", "-1", "--format=%ct")
	if err != nil {
		return Release{}, err
	}
	epoch, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return Release{}, fmt.Errorf("reading the time of commit %s: %w", release.Commit, err)
	}
	release.Time = time.Unix(epoch, 0).UTC()
	release.LinkerFlags, err = run(ctx, repository, filepath.Join("hack", "version.sh"), "flags", version)
	return release, err
}

// summary returns the first files that git status has printed.
func summary(status string) string {
	const shown = 3
	lines := strings.Split(status, "\n")
	var names []string
	for _, line := range lines[:min(shown, len(lines))] {
		names = append(names, strings.TrimSpace(line[min(2, len(line)):]))
	}
	if more := len(lines) - shown; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

func run(ctx context.Context, directory, program string, arguments ...string) (string, error) {
	if strings.ContainsRune(program, filepath.Separator) {
		program = filepath.Join(directory, program)
	}
	command := exec.CommandContext(ctx, program, arguments...)
	command.Dir = directory
	var messages bytes.Buffer
	command.Stderr = &messages
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", filepath.Base(program), strings.Join(arguments, " "), err, bytes.TrimSpace(messages.Bytes()))
	}
	return strings.TrimRight(string(output), "\n"), nil
}
