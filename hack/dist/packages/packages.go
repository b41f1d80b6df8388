// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package packages makes packages for distributions of linux.
package packages

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // registers itself
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm" // registers itself

	"github.com/rancher-sandbox/engine-apiserver/hack/dist/content"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/release"
)

//go:embed scripts
var scripts embed.FS

const description = `Shows a Docker Engine through the Kubernetes API
You look after Docker's containers, images, volumes and networks with kubectl.
The package has the server, services that run it for a user or for the machine,
and the plugin kubectl engine, which has docker's own commands.`

// File is a file with its path in the file system, without the slash in front.
type File struct {
	content.File
	// Config says that administrators may change the file: an update of the package keeps what they have written.
	Config bool
}

// Package is a package with the name of its file.
type Package struct {
	Name string
	Data []byte
}

// Make makes a package in a format, deb or rpm.
func Make(format string, from release.Release, arch, homepage string, contents []File) (Package, error) {
	fail := func(err error) (Package, error) {
		return Package{}, fmt.Errorf("making the %s for %s: %w", format, arch, err)
	}
	staged, err := os.MkdirTemp("", "package")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(staged)
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: "engine-apiserver", Arch: arch, Platform: "linux", Version: from.Version, Release: "1",
		Section: "admin", Priority: "optional", Maintainer: "The engine-apiserver Authors", Description: description,
		Homepage: homepage, License: "Apache-2.0", MTime: from.Time,
	})
	info.Recommends = []string{"docker.io | docker-ce"}
	info.Deb.Compression = "gzip:6" // 9 takes three times as long for half a percent
	if format == "rpm" {
		info.Recommends = nil              // the name of Docker's package depends on the distribution
		info.Depends = []string{"/bin/sh"} // of the scripts; rpmbuild would find it by itself
		info.RPM.BuildHost = "localhost"
	}
	for i, file := range contents {
		source := filepath.Join(staged, fmt.Sprint(i))
		if err := os.WriteFile(source, file.Data, 0o600); err != nil {
			return fail(err)
		}
		kind := files.TypeFile
		if file.Config {
			kind = files.TypeConfigNoReplace
		}
		info.Contents = append(info.Contents, &files.Content{
			Source: source, Destination: "/" + file.Path, Type: kind,
			FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: file.Mode, MTime: from.Time},
		})
	}
	for name, path := range map[string]*string{
		"postinstall": &info.Scripts.PostInstall, "preremove": &info.Scripts.PreRemove, "postremove": &info.Scripts.PostRemove,
	} {
		script, err := scripts.ReadFile("scripts/" + name + ".sh")
		if err != nil {
			return fail(err)
		}
		*path = filepath.Join(staged, name)
		if err := os.WriteFile(*path, script, 0o700); err != nil {
			return fail(err)
		}
	}
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return fail(err)
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return fail(err)
	}
	var made bytes.Buffer
	if err := packager.Package(info, &made); err != nil {
		return fail(err)
	}
	return Package{packager.ConventionalFileName(info), made.Bytes()}, nil
}
