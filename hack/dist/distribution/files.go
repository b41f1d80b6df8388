// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rancher-sandbox/engine-apiserver/hack/dist/content"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/license"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/packages"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/program"
)

const (
	completer        = "kubectl_complete-engine"
	completerWindows = completer + ".cmd"

	systemUnit = "systemd/system/engine-apiserver.service"
	userUnit   = "systemd/user/engine-apiserver.service"
	launchd    = "launchd/io.rancherdesktop.engine-apiserver.plist"
)

// archived returns the files of the archive of one program.
func (b *build) archived(platform program.Platform, name string, one built) ([]content.File, error) {
	own, err := b.file("LICENSE", "LICENSE", content.Regular)
	if err != nil {
		return nil, err
	}
	files := append(content.Below("licenses", license.Files(one.components)...), one.binary, own)
	for _, page := range b.pages[name] {
		if platform.OS != "windows" || !strings.HasPrefix(page.Path, "man/") {
			files = append(files, page)
		}
	}
	for _, extra := range extras(platform.OS, name) {
		file, err := b.file(extra.Path, path.Join("artifacts", extra.source), extra.Mode)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// extra is a file of the folder artifacts that goes into an archive.
type extra struct {
	content.File
	source string
}

func extras(os, name string) []extra {
	asIs := func(name string) extra { return extra{content.File{Path: name, Mode: content.Regular}, name} }
	switch {
	case name == plugin && os == "windows":
		return []extra{{content.File{Path: completerWindows, Mode: content.Executable}, "completion/" + completerWindows}}
	case name == plugin:
		return []extra{{content.File{Path: completer, Mode: content.Executable}, "completion/" + completer}}
	case os == "linux":
		return []extra{asIs(systemUnit), asIs(userUnit)}
	case os == "darwin":
		return []extra{asIs(launchd)}
	}
	return nil
}

// installed returns the files of a package for linux, which has both programs. The paths are those in the file system.
func (b *build) installed(kind Kind, programs map[string]built) ([]packages.File, error) {
	const documentation = "usr/share/doc/engine-apiserver"
	zsh := "usr/share/zsh/vendor-completions"
	if kind == RPM {
		zsh = "usr/share/zsh/site-functions"
	}
	sources := []struct {
		from, to string
		mode     fs.FileMode
		config   bool
	}{
		{"artifacts/" + systemUnit, "usr/lib/" + systemUnit, content.Regular, false},
		{"artifacts/" + userUnit, "usr/lib/" + userUnit, content.Regular, false},
		{"artifacts/systemd/sysusers.conf", "usr/lib/sysusers.d/engine-apiserver.conf", content.Regular, false},
		{"artifacts/systemd/environment", "etc/default/engine-apiserver", content.Regular, true},
		{"artifacts/completion/" + completer, "usr/bin/" + completer, content.Executable, false},
		{"LICENSE", documentation + "/copyright", content.Regular, false},
	}
	var files []packages.File
	for _, source := range sources {
		file, err := b.file(source.to, source.from, source.mode)
		if err != nil {
			return nil, err
		}
		files = append(files, packages.File{File: file, Config: source.config})
	}
	licenses := map[string]content.File{}
	for _, name := range []string{server, plugin} {
		one := programs[name]
		files = append(files, packages.File{File: content.Below("usr/bin", one.binary)[0]})
		for _, file := range content.Below(documentation+"/licenses", license.Files(one.components)...) {
			licenses[file.Path] = file
		}
		for _, page := range b.pages[name] {
			file, err := installedPage(page, zsh)
			if err != nil {
				return nil, err
			}
			if file.Path != "" {
				files = append(files, packages.File{File: file})
			}
		}
	}
	for _, file := range licenses {
		files = append(files, packages.File{File: file})
	}
	return files, nil
}

// installedPage returns a manual page or a completion with its path in the file system, or nothing if linux has no place for it.
func installedPage(page content.File, zsh string) (content.File, error) {
	switch name := path.Base(page.Path); {
	case strings.HasPrefix(page.Path, "man/"):
		data, err := compress(page.Data)
		page.Path, page.Data = "usr/share/"+page.Path+".gz", data
		return page, err
	case strings.HasSuffix(name, ".bash"):
		page.Path = "usr/share/bash-completion/completions/" + strings.TrimSuffix(name, ".bash")
	case strings.HasSuffix(name, ".fish"):
		page.Path = "usr/share/fish/vendor_completions.d/" + name
	case strings.HasPrefix(name, "_"):
		page.Path = zsh + "/" + name
	default:
		return content.File{}, nil
	}
	return page, nil
}

func compress(data []byte) ([]byte, error) {
	var out bytes.Buffer
	writer, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := writer.Write(data); err != nil {
		return nil, err
	}
	err = writer.Close()
	return out.Bytes(), err
}

// file returns a file of the repository under another path.
func (b *build) file(as, source string, mode fs.FileMode) (content.File, error) {
	data, err := os.ReadFile(filepath.Join(b.Source.Repository, filepath.FromSlash(source)))
	return content.File{Path: as, Mode: mode, Data: data}, err
}

// makePages makes the manual pages and the completions. The generator is a module of its own, because it links both programs.
func (b *build) makePages(ctx context.Context) error {
	directory := filepath.Join(b.work, "pages")
	generator := filepath.Join(b.work, "generator")
	compile := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", generator, ".")
	compile.Dir = filepath.Join(b.Source.Repository, "hack", "dist", "pages")
	compile.Env = append(os.Environ(), "PWD="+compile.Dir, "CGO_ENABLED=0", "GOFLAGS="+program.Flags, "GOWORK=off")
	if output, err := compile.CombinedOutput(); err != nil {
		return fmt.Errorf("building the generator of manual pages: %w\n%s", err, output)
	}
	generate := exec.CommandContext(ctx, generator, b.Source.Release.Version, strconv.FormatInt(b.Source.Release.Time.Unix(), 10), directory)
	generate.Env = []string{"HOME=/home/user"} // defaults of flags must not depend on who makes the release
	if output, err := generate.CombinedOutput(); err != nil {
		return fmt.Errorf("making manual pages: %w\n%s", err, output)
	}
	b.pages = map[string][]content.File{}
	for _, name := range []string{server, plugin} {
		files, err := content.Read(os.DirFS(filepath.Join(directory, name)))
		if err != nil {
			return fmt.Errorf("making manual pages: %w", err)
		}
		b.pages[name] = files
	}
	return nil
}
