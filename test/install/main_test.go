// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package install_test builds a release for this machine's architecture, installs its package in a fresh root, and starts the
// services in it as systemd would.
package install_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

const version = "v0.1.0-rc.1"

var (
	docker *engine.Engine
	// dist is the directory of the release.
	dist string
	// installed is a root in which the package is installed, and in which the engine has its socket.
	installed root
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "install")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// Users of services look for their files below the root.
	err = os.Chmod(dir, 0o755)
	if err == nil {
		dist, err = build(filepath.Join(dir, "dist"))
	}
	if err == nil {
		installed, err = newRoot(filepath.Join(dir, "root"))
	}
	if err == nil {
		err = installed.install()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return engine.Main(m, &docker, engine.Args("--host", "unix://"+installed.path("/run/docker.sock")))
}

// build builds the release below a directory, and returns its own directory.
func build(directory string) (string, error) {
	command := exec.Command("go", "run", ".", "-version", version, "-allow-changes", "-platforms", "linux/"+runtime.GOARCH,
		"-only", "archive,deb,rpm,image", "-output", directory)
	command.Dir = filepath.Join("..", "..", "hack", "dist")
	command.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false")
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building a release: %w\n%s", err, output)
	}
	return filepath.Join(directory, version), nil
}

// find returns the one file of the release that matches a pattern.
func find(pattern string) (string, error) {
	found, err := filepath.Glob(filepath.Join(dist, pattern))
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("the release has %d files %s", len(found), pattern)
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}
