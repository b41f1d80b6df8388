// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package distribution builds all that a release consists of.
package distribution

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/rancher-sandbox/engine-apiserver/hack/dist/archive"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/content"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/image"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/krew"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/license"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/packages"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/program"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/sbom"
)

const (
	server = "engine-apiserver"
	plugin = "kubectl-engine"

	homepage = "https://" + sbom.Product
)

// Builder builds a release.
type Builder struct {
	Source    program.Source
	Platforms []program.Platform
	Kinds     []Kind
	// BaseURL is the URL below which the archives can be downloaded, in a folder with the name of the version.
	BaseURL string
	// Log gets a line for each step.
	Log io.Writer
}

// build is one run of a Builder.
type build struct {
	Builder
	toolchain program.Toolchain
	pages     map[string][]content.File // of each program
	work      string                    // a directory for what is needed for a while
	output    output
	images    []image.Image
	archives  []krew.Archive
}

// Build writes everything to a directory. What was in the directory before is removed, but only after all has been built.
func (b Builder) Build(ctx context.Context, directory string) error {
	if b.makes(Krew) {
		if base, err := url.Parse(b.BaseURL); err != nil || base.Host == "" {
			return fmt.Errorf("%q is no URL to download archives from, which the manifest for krew needs: make dist BASE_URL=https://…", b.BaseURL)
		}
	}
	if err := os.MkdirAll(filepath.Dir(directory), 0o755); err != nil {
		return err
	}
	made, err := os.MkdirTemp(filepath.Dir(directory), ".making-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(made)
	work, err := os.MkdirTemp("", "dist")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	run := &build{Builder: b, work: work, output: output{directory: made}}
	if err := run.all(ctx); err != nil {
		return err
	}
	if err := os.Chmod(made, 0o755); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(directory), os.Rename(made, directory)); err != nil {
		return err
	}
	fmt.Fprintf(b.Log, "dist: %s has %d files\n", directory, len(run.output.sums)+1)
	return nil
}

func (b *build) all(ctx context.Context) error {
	var err error
	if b.toolchain, err = b.Source.Toolchain(ctx); err != nil {
		return err
	}
	b.log("manual pages and completions")
	if err := b.makePages(ctx); err != nil {
		return err
	}
	for _, platform := range b.Platforms {
		if err := b.platform(ctx, platform); err != nil {
			return fmt.Errorf("%s: %w", platform, err)
		}
	}
	if b.makes(Image) && len(b.images) > 0 {
		b.log("image")
		var archived bytes.Buffer
		if err := image.Archive(&archived, b.Source.Release, b.images); err != nil {
			return err
		}
		if err := b.output.write(fmt.Sprintf("%s_%s_oci.tar", server, b.Source.Release.Version), archived.Bytes()); err != nil {
			return err
		}
	}
	if b.makes(Krew) {
		manifest, err := krew.Manifest(b.Source.Release.Version, homepage, b.archives)
		if err != nil {
			return err
		}
		if err := b.output.write("engine.yaml", manifest); err != nil {
			return err
		}
	}
	return b.output.writeSums()
}

func (b *build) log(what string) { fmt.Fprintln(b.Log, "dist:", what) }

// built is a program for one platform, with what goes with it.
type built struct {
	binary     content.File
	licenses   []content.File // with the product's own
	components []license.Component
}

// platform makes all that is for one platform.
func (b *build) platform(ctx context.Context, platform program.Platform) error {
	programs := map[string]built{}
	for _, name := range []string{server, plugin} {
		b.log(fmt.Sprintf("%s for %s", name, platform))
		one, err := b.program(ctx, platform, name)
		if err != nil {
			return err
		}
		programs[name] = one
		if !b.makes(Archive) {
			continue
		}
		if err := b.archive(platform, name, one); err != nil {
			return err
		}
	}
	if platform.OS != "linux" {
		return nil
	}
	for _, kind := range []Kind{Deb, RPM} {
		if !b.makes(kind) {
			continue
		}
		b.log(fmt.Sprintf("%s for %s", kind, platform))
		if err := b.linuxPackage(kind, platform, programs); err != nil {
			return err
		}
	}
	if !b.makes(Image) {
		return nil
	}
	files := append(content.Below("licenses", programs[server].licenses...), programs[server].binary)
	one, err := image.New(b.Source.Release, platform.Arch, homepage, files)
	b.images = append(b.images, one)
	return err
}

func (b *build) program(ctx context.Context, platform program.Platform, name string) (built, error) {
	binary, err := b.Source.Build(ctx, platform, name, b.work)
	if err != nil {
		return built{}, err
	}
	linked, err := b.Source.Linked(ctx, platform, name)
	if err != nil {
		return built{}, err
	}
	components, err := license.Components(linked, b.toolchain)
	if err != nil {
		return built{}, fmt.Errorf("%s: %w", name, err)
	}
	own, err := b.file("LICENSE", "LICENSE", content.Regular)
	if err != nil {
		return built{}, err
	}
	return built{
		binary:     content.File{Path: platform.Executable(name), Mode: content.Executable, Data: binary},
		licenses:   append(content.Below(sbom.Product, own), license.Files(components)...),
		components: components,
	}, nil
}

// archive writes the archive of one program, and its bill of materials.
func (b *build) archive(platform program.Platform, name string, one built) error {
	from := b.Source.Release
	base := strings.Join([]string{name, from.Version, platform.OS, platform.Arch}, "_")
	bill, err := sbom.Of(from, platform, name, one.binary.Data, one.components)
	if err != nil {
		return err
	}
	if err := b.output.write(base+".cdx.json", bill); err != nil {
		return err
	}
	files, err := b.archived(platform, name, one)
	if err != nil {
		return err
	}
	file, write := base+".tar.gz", archive.TarGz
	if platform.OS == "windows" {
		file, write = base+".zip", archive.Zip
	}
	var packed bytes.Buffer
	if err := write(&packed, files, from.Time); err != nil {
		return err
	}
	if err := b.output.write(file, packed.Bytes()); err != nil {
		return err
	}
	if name == plugin {
		b.archives = append(b.archives, krew.Archive{
			Platform: platform, URL: strings.TrimRight(b.BaseURL, "/") + "/" + from.Version + "/" + file, SHA256: b.output.sums[file],
		})
	}
	return nil
}

func (b *build) linuxPackage(kind Kind, platform program.Platform, programs map[string]built) error {
	files, err := b.installed(kind, programs)
	if err != nil {
		return err
	}
	made, err := packages.Make(string(kind), b.Source.Release, platform.Arch, homepage, files)
	if err != nil {
		return err
	}
	return b.output.write(made.Name, made.Data)
}
