// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// unmountBelow unmounts everything below dir, so that removing dir does not remove files of other file systems.
func unmountBelow(dir string) error {
	mounts, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	for _, mount := range slices.Backward(mounts) {
		if err := unix.Unmount(mount, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("unmounting %s: %w", mount, err)
		}
	}
	mounts, err = mountsBelow(dir)
	if err != nil {
		return err
	}
	if len(mounts) > 0 {
		return fmt.Errorf("still mounted: %s", strings.Join(mounts, ", "))
	}
	return nil
}

func mountsBelow(dir string) ([]string, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("listing mounts: %w", err)
	}
	var mounts []string
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") {
			mounts = append(mounts, fields[4])
		}
	}
	return mounts, nil
}

// thawCgroups thaws the processes of paused containers, so that they can die. A frozen process of cgroup v1 does not even
// react to SIGKILL.
func thawCgroups(name string) error {
	return eachCgroup(name, func(group string) error {
		for file, thawed := range map[string]string{"freezer.state": "THAWED", "cgroup.freeze": "0"} {
			path := filepath.Join(group, file)
			if _, err := os.Stat(path); err != nil {
				continue // this hierarchy has no freezer of this kind
			}
			if err := os.WriteFile(path, []byte(thawed), 0); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENODEV) {
				return fmt.Errorf("thawing cgroup %s: %w", group, err)
			}
		}
		return nil
	})
}

func removeCgroups(name string) error {
	return eachCgroup(name, func(group string) error {
		if err := unix.Rmdir(group); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("removing cgroup %s: %w", group, err)
		}
		return nil
	})
}

// eachCgroup calls do for the cgroups of that name and all cgroups in them, inner ones first.
func eachCgroup(name string, do func(group string) error) error {
	const root = "/sys/fs/cgroup"
	hierarchies, err := filepath.Glob(filepath.Join(root, "*", name))
	if err != nil {
		return err
	}
	var problems []error
	for _, top := range append(hierarchies, filepath.Join(root, name)) {
		var groups []string
		err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				groups = append(groups, path)
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
		for _, group := range slices.Backward(groups) {
			problems = append(problems, do(group))
		}
	}
	return errors.Join(problems...)
}
