// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package license finds the licenses of what is linked into a program.
package license

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"

	"github.com/rancher-sandbox/engine-apiserver/hack/dist/content"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/program"
)

// compatible are the licenses, by their names in SPDX, of what a program under Apache-2.0 may be linked with.
var compatible = map[string]bool{
	"0BSD": true, "Apache-2.0": true, "BSD-2-Clause": true, "BSD-3-Clause": true, "CC0-1.0": true, "ISC": true, "MIT": true,
	"MPL-2.0": true, "Unlicense": true,
}

// Component is a module, or Go itself, that is linked into a program.
type Component struct {
	Path, Version string
	// Names are the licenses, by their names in SPDX.
	Names []string
	// Files are the licenses, and the notices that belong to them.
	Files []content.File
	// Needs are the paths of the components that this one imports.
	Needs []string
}

// Standard is the path of the component that is Go itself.
const Standard = "stdlib"

var (
	// licenseName matches the names of files with a license.
	licenseName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|unlicense)([-._].*)?$`)
	// noticeName matches the names of files that must be passed on with a license.
	noticeName = regexp.MustCompile(`(?i)^(notice|patents|copyright)([-._].*)?$`)
)

// Components returns what is linked into a program, without the product's own module, in the order of the paths. It is an error
// if something has no license, or one that is not compatible.
func Components(packages []program.Package, toolchain program.Toolchain) ([]Component, error) {
	found := map[string]*finding{Standard: {
		component: Component{Path: Standard, Version: strings.TrimPrefix(toolchain.Version, "go")},
		root:      toolchain.Root, directories: []string{toolchain.Root},
	}}
	componentOf := make(map[string]string, len(packages))
	for _, linked := range packages {
		componentOf[linked.ImportPath] = pathOf(linked)
		if linked.Standard || linked.Module == nil || linked.Module.Main {
			continue
		}
		module := linked.Module
		if found[module.Path] == nil {
			found[module.Path] = &finding{component: Component{Path: module.Path, Version: module.Version}, root: module.Dir}
		}
		found[module.Path].directories = append(found[module.Path].directories, linked.Dir)
	}
	for _, linked := range packages {
		from := found[pathOf(linked)]
		for _, imported := range linked.Imports {
			if to := componentOf[imported]; from != nil && found[to] != nil && to != from.component.Path {
				from.component.Needs = append(from.component.Needs, to)
			}
		}
	}
	var components []Component
	var problems []error
	for _, finding := range found {
		component, err := finding.complete()
		problems = append(problems, err)
		components = append(components, component)
	}
	slices.SortFunc(components, func(a, b Component) int { return cmp.Compare(a.Path, b.Path) })
	return components, errors.Join(problems...)
}

// pathOf returns the path of the component that a package belongs to.
func pathOf(linked program.Package) string {
	switch {
	case linked.Standard:
		return Standard
	case linked.Module == nil || linked.Module.Main:
		return ""
	}
	return linked.Module.Path
}

// finding is a component whose licenses are looked for.
type finding struct {
	component   Component
	root        string
	directories []string // of the packages that are linked
}

// complete returns the component with its licenses: those in the directories of its packages and in all that these are in.
func (f *finding) complete() (Component, error) {
	component := f.component
	seen := map[string]bool{}
	names := map[string]bool{}
	for _, directory := range f.directories {
		for ; !seen[directory]; directory = filepath.Dir(directory) {
			seen[directory] = true
			files, err := licensesIn(f.root, directory)
			if err != nil {
				return component, fmt.Errorf("%s: %w", component.Path, err)
			}
			for _, file := range files {
				component.Files = append(component.Files, file)
				if !licenseName.MatchString(path.Base(file.Path)) {
					continue
				}
				for _, match := range licensecheck.Scan(file.Data).Match {
					names[match.ID] = true
				}
			}
			if directory == f.root {
				break
			}
		}
	}
	component.Names = slices.Sorted(maps.Keys(names))
	component.Needs = slices.Compact(slices.Sorted(slices.Values(component.Needs)))
	slices.SortFunc(component.Files, func(a, b content.File) int { return cmp.Compare(a.Path, b.Path) })
	if len(names) == 0 {
		return component, fmt.Errorf("%s %s has no license that is known", component.Path, component.Version)
	}
	for _, name := range component.Names {
		if !compatible[name] {
			return component, fmt.Errorf("%s %s has the license %s, which is not on the list of compatible ones", component.Path, component.Version, name)
		}
	}
	return component, nil
}

// licensesIn returns the licenses and notices in a directory. Their paths are relative to root.
func licensesIn(root, directory string) ([]content.File, error) {
	relative, err := filepath.Rel(root, directory)
	if err != nil || !filepath.IsLocal(relative) {
		return nil, fmt.Errorf("the directory %s is not in %s", directory, root)
	}
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, err
	}
	var files []content.File
	for _, entry := range entries {
		name := entry.Name()
		if !entry.Type().IsRegular() || !licenseName.MatchString(name) && !noticeName.MatchString(name) {
			continue
		}
		// Neither source nor the license of a module's documentation, which no program has.
		if extension := filepath.Ext(name); extension == ".go" || extension == ".docs" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(directory, name))
		if err != nil {
			return nil, err
		}
		files = append(files, content.File{Path: path.Join(filepath.ToSlash(relative), name), Mode: content.Regular, Data: data})
	}
	return files, nil
}

// Files returns the licenses of all components, each in a directory with the path of the component.
func Files(components []Component) []content.File {
	var files []content.File
	for _, component := range components {
		files = append(files, content.Below(component.Path, component.Files...)...)
	}
	return files
}
