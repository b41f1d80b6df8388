// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/rancher-sandbox/engine-apiserver/hack/dist/content"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/release"
)

var from = release.Release{Version: "v0.2.0", Commit: "541357d", Time: time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)}

// archived returns an archive with images for two architectures.
func archived(t *testing.T) []byte {
	t.Helper()
	var images []Image
	for _, arch := range []string{"amd64", "arm64"} {
		image, err := New(from, arch, "https://example.com", []content.File{
			{Path: "engine-apiserver", Mode: content.Executable, Data: []byte("program for " + arch)},
			{Path: "licenses/m/LICENSE", Mode: content.Regular, Data: []byte("license")},
		})
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, image)
	}
	var out bytes.Buffer
	if err := Archive(&out, from, images); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// unpack unpacks an archive and returns its directory.
func unpack(t *testing.T, archive []byte) string {
	t.Helper()
	dir := t.TempDir()
	for reader := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(header.Name))
		if header.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		data, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnArchiveHasOneIndexWithAnImageForEachArchitecture(t *testing.T) {
	root, err := layout.ImageIndexFromPath(unpack(t, archived(t)))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(root); err != nil {
		t.Error(err)
	}
	top, err := root.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(top.Manifests) != 1 || top.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != "v0.2.0" {
		t.Fatalf("%+v", top.Manifests)
	}
	index, err := root.ImageIndex(top.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, descriptor := range manifest.Manifests {
		platforms = append(platforms, descriptor.Platform.String())
		image, err := index.Image(descriptor.Digest)
		if err != nil {
			t.Fatal(err)
		}
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if config.Platform().String() != descriptor.Platform.String() || !config.Created.Equal(from.Time) ||
			!slices.Equal(config.Config.Entrypoint, []string{"/engine-apiserver"}) || config.Config.Labels["org.opencontainers.image.revision"] != "541357d" {
			t.Errorf("%+v", config)
		}
	}
	if want := []string{"linux/amd64", "linux/arm64"}; !slices.Equal(platforms, want) {
		t.Errorf("%q, want %q", platforms, want)
	}
}

func TestTheSameFilesMakeTheSameArchive(t *testing.T) {
	if !bytes.Equal(archived(t), archived(t)) {
		t.Error("the archives differ")
	}
}
