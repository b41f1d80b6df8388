// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package program builds the programs for each platform, and finds out what is linked into them.
package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rancher-sandbox/engine-apiserver/hack/dist/release"
)

// Flags are those of every go command: the build tags of the Makefile, and nothing from the repository in a program. The linker
// flags have version and commit, so a program is the same whether the tag of the version is there or not.
const Flags = "-tags=grpcnotrace -buildvcs=false"

// Platform is what a program runs on, in Go's words.
type Platform struct{ OS, Arch string }

// Platforms are those that a release has programs for.
var Platforms = []Platform{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"},
}

func (p Platform) String() string { return p.OS + "/" + p.Arch }

// Executable returns the name of the file of a program.
func (p Platform) Executable(name string) string {
	if p.OS == "windows" {
		return name + ".exe"
	}
	return name
}

// Parse returns the platforms of a list such as linux/amd64,linux/arm64. The empty list stands for all of them.
func Parse(list string) ([]Platform, error) {
	if list == "" {
		return Platforms, nil
	}
	var parsed []Platform
	for name := range strings.SplitSeq(list, ",") {
		found := false
		for _, platform := range Platforms {
			if platform.String() == name {
				parsed, found = append(parsed, platform), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no platform %q: choose from %v", name, Platforms)
		}
	}
	return parsed, nil
}

// Source is the source of the programs.
type Source struct {
	// Repository is the directory of the product's module.
	Repository string
	Release    release.Release
}

// Build builds the program of cmd with this name as a file in a directory, and returns its content.
//
// The content depends only on the source, the version, the commit and the release of Go.
func (s Source) Build(ctx context.Context, platform Platform, name, directory string) ([]byte, error) {
	file := filepath.Join(directory, platform.Executable(name))
	build := s.command(ctx, platform, "build", "-trimpath", "-ldflags", "-s -w -buildid= "+s.Release.LinkerFlags, "-o", file, "./cmd/"+name)
	if output, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building %s for %s: %w\n%s", name, platform, err, output)
	}
	return os.ReadFile(file)
}

func (s Source) command(ctx context.Context, platform Platform, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "go", arguments...)
	command.Dir = s.Repository
	command.Env = append(os.Environ(), "PWD="+s.Repository, "GOOS="+platform.OS, "GOARCH="+platform.Arch, "CGO_ENABLED=0",
		"GOFLAGS="+Flags, "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOWORK=off", "GOFIPS140=off")
	return command
}

// Module is a module that packages are linked from.
type Module struct {
	Path, Version, Dir string
	// Main says that it is the product's own module.
	Main bool
}

// Package is a package that is linked into a program.
type Package struct {
	ImportPath, Dir string
	// Standard says that the package is one of Go itself. It has no module.
	Standard bool
	Imports  []string
	Module   *Module
}

// Linked returns the packages that are linked into the program of cmd with this name.
func (s Source) Linked(ctx context.Context, platform Platform, name string) ([]Package, error) {
	list := s.command(ctx, platform, "list", "-deps", "-json=ImportPath,Dir,Standard,Imports,Module", "./cmd/"+name)
	var messages bytes.Buffer
	list.Stderr = &messages
	output, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the packages of %s for %s: %w\n%s", name, platform, err, messages.Bytes())
	}
	var packages []Package
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var linked Package
		if err := decoder.Decode(&linked); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("listing the packages of %s for %s: %w", name, platform, err)
		}
		packages = append(packages, linked)
	}
}

// Toolchain is the release of Go that builds the programs.
type Toolchain struct {
	Version string `json:"GOVERSION"` // such as go1.26.1
	Root    string `json:"GOROOT"`
}

// Toolchain returns the release of Go that builds the programs.
func (s Source) Toolchain(ctx context.Context) (Toolchain, error) {
	output, err := s.command(ctx, Platforms[0], "env", "-json", "GOVERSION", "GOROOT").Output()
	if err != nil {
		return Toolchain{}, fmt.Errorf("asking for the release of Go: %w", err)
	}
	var toolchain Toolchain
	err = json.Unmarshal(output, &toolchain)
	return toolchain, err
}
