// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package image makes the container image of the server, without a container engine.
package image

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rancher-sandbox/engine-apiserver/hack/dist/archive"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/content"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/release"
)

const name = "engine-apiserver"

// Image is the image for one architecture.
type Image struct {
	arch  string
	image v1.Image
}

// New returns an image for linux with these files, of which engine-apiserver is the program.
func New(from release.Release, arch, homepage string, files []content.File) (Image, error) {
	var packed bytes.Buffer
	if err := archive.Tar(&packed, files, from.Time); err != nil {
		return Image{}, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil }
	layer, err := tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return Image{}, fmt.Errorf("making the image for %s: %w", arch, err)
	}
	created := v1.Time{Time: from.Time}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.Append(base, mutate.Addendum{
		Layer: layer, MediaType: types.OCILayer, History: v1.History{Created: created, CreatedBy: "COPY " + name},
	})
	if err != nil {
		return Image{}, fmt.Errorf("making the image for %s: %w", arch, err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		return Image{}, fmt.Errorf("making the image for %s: %w", arch, err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", arch, created
	config.Config.Entrypoint = []string{"/" + name}
	config.Config.Labels = map[string]string{
		"org.opencontainers.image.title":    name,
		"org.opencontainers.image.version":  from.Version,
		"org.opencontainers.image.revision": from.Commit,
		"org.opencontainers.image.created":  from.Time.Format(time.RFC3339),
		"org.opencontainers.image.source":   homepage,
		"org.opencontainers.image.licenses": "Apache-2.0",
	}
	image, err = mutate.ConfigFile(image, config)
	return Image{arch, image}, err
}

// Archive writes an archive in the format of OCI. Its one index has the images of all architectures.
//
// An old Docker Engine does not know that format. For it the archive also has the list that docker save writes, with a tag for
// each architecture.
func Archive(to io.Writer, from release.Release, images []Image) error {
	directory, err := os.MkdirTemp("", "image")
	if err != nil {
		return err
	}
	defer os.RemoveAll(directory)
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	saved := []savedImage{}
	for _, image := range images {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image.image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: image.arch}},
		})
		one, err := image.saved(from.Version)
		if err != nil {
			return fmt.Errorf("making the archive of images: %w", err)
		}
		saved = append(saved, one)
	}
	root, err := layout.Write(directory, mutate.IndexMediaType(empty.Index, types.OCIImageIndex))
	if err == nil {
		err = root.AppendIndex(index, layout.WithAnnotations(map[string]string{
			"org.opencontainers.image.ref.name": from.Version,
			"io.containerd.image.name":          "docker.io/library/" + name + ":" + from.Version,
		}))
	}
	if err != nil {
		return fmt.Errorf("making the archive of images: %w", err)
	}
	files, err := content.Read(os.DirFS(directory))
	if err != nil {
		return fmt.Errorf("making the archive of images: %w", err)
	}
	list, err := json.Marshal(saved)
	if err != nil {
		return err
	}
	return archive.Tar(to, append(files, content.File{Path: "manifest.json", Mode: content.Regular, Data: list}), from.Time)
}

// savedImage is an image in the list that docker save writes.
type savedImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func (i Image) saved(version string) (savedImage, error) {
	manifest, err := i.image.Manifest()
	if err != nil {
		return savedImage{}, err
	}
	saved := savedImage{Config: blob(manifest.Config.Digest), RepoTags: []string{name + ":" + version + "-" + i.arch}}
	for _, layer := range manifest.Layers {
		saved.Layers = append(saved.Layers, blob(layer.Digest))
	}
	return saved, nil
}

func blob(digest v1.Hash) string { return "blobs/" + digest.Algorithm + "/" + digest.Hex }
