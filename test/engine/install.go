// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

func searchPath() string {
	return os.Getenv("PATH") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
}

func lookPath(program string) (string, error) {
	found, err := exec.LookPath(program)
	if err == nil {
		return filepath.Abs(found)
	}
	for _, dir := range filepath.SplitList(searchPath()) {
		if found, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return found, nil
		}
	}
	return "", err
}

func install() error {
	for _, program := range []string{"dockerd", "busybox"} {
		if _, err := lookPath(program); err == nil {
			continue
		}
		root, err := moduleRoot()
		if err != nil {
			return err
		}
		if out, err := exec.Command(filepath.Join(root, "hack", "install-docker.sh")).CombinedOutput(); err != nil {
			return fmt.Errorf("installing Docker: %w\n%s", err, out)
		}
		return nil
	}
	return nil
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("finding the module: no go.mod in any parent directory")
		}
		dir = filepath.Dir(dir)
	}
}
