// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package license

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/hack/dist/content"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/program"
)

// TestEveryLinkedModuleHasACompatibleLicense looks at the real programs.
func TestEveryLinkedModuleHasACompatibleLicense(t *testing.T) {
	repository, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	source := program.Source{Repository: repository}
	toolchain, err := source.Toolchain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"engine-apiserver", "kubectl-engine"} {
		for _, platform := range []program.Platform{{OS: "linux", Arch: "amd64"}, {OS: "windows", Arch: "arm64"}} {
			packages, err := source.Linked(t.Context(), platform, name)
			if err != nil {
				t.Fatal(err)
			}
			components, err := Components(packages, toolchain)
			if err != nil {
				t.Errorf("%s for %s: %v", name, platform, err)
			}
			if len(components) < 20 {
				t.Errorf("%s for %s has only %d components", name, platform, len(components))
			}
		}
	}
}

const mit = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`

// module makes the directory of a module with these files, and returns the packages a and a/b of it.
func module(t *testing.T, files map[string]string) []program.Package {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	of := &program.Module{Path: "example.com/m", Version: "v1.2.3", Dir: dir}
	return []program.Package{
		{ImportPath: "fmt", Standard: true},
		{ImportPath: "example.com/m/a/b", Dir: filepath.Join(dir, "a", "b"), Imports: []string{"fmt"}, Module: of},
		{ImportPath: "example.com/m/a", Dir: filepath.Join(dir, "a"), Imports: []string{"example.com/m/a/b"}, Module: of},
	}
}

// goItself returns a toolchain with the license of Go itself.
func goItself(t *testing.T) program.Toolchain {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "LICENSE"), []byte(mit), 0o644); err != nil {
		t.Fatal(err)
	}
	return program.Toolchain{Version: "go1.26.1", Root: dir}
}

func TestLicensesAreThoseOfTheModuleAndOfItsLinkedFolders(t *testing.T) {
	packages := module(t, map[string]string{
		"LICENSE": mit, "NOTICE.txt": "made by somebody", "license.go": "package m", "a/b/COPYING": mit, "a/x.go": "", "unlinked/LICENSE": mit,
	})
	components, err := Components(packages, goItself(t))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, file := range Files(components) {
		paths = append(paths, file.Path)
	}
	want := []string{"example.com/m/LICENSE", "example.com/m/NOTICE.txt", "example.com/m/a/b/COPYING", "stdlib/LICENSE"}
	if !slices.Equal(paths, want) {
		t.Errorf("%q, want %q", paths, want)
	}
	if m := components[0]; m.Version != "v1.2.3" || !slices.Equal(m.Names, []string{"MIT"}) || !slices.Equal(m.Needs, []string{Standard}) {
		t.Errorf("%+v", m)
	}
	if _, err := content.Sorted(Files(components)); err != nil {
		t.Error(err)
	}
}

func TestAModuleWithoutACompatibleLicenseIsRefusedByName(t *testing.T) {
	for text, words := range map[string]string{
		"All rights reserved.": "example.com/m v1.2.3 has no license that is known",
		`GNU GENERAL PUBLIC LICENSE
This program is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.`: "example.com/m v1.2.3 has the license GPL-3",
	} {
		packages := module(t, map[string]string{"LICENSE": text, "a/b/b.go": ""})
		if _, err := Components(packages, goItself(t)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %q", err, words)
		}
	}
}
