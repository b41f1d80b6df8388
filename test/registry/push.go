// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// Push makes an image in the registry and returns its digest. name is its repository and tag, such as team/tool:v1. Each size
// is one layer, of about that many bytes. No other image has the same layers. Containers of it cannot run.
func (r *Registry) Push(t testing.TB, name string, sizes ...int64) digest.Digest {
	t.Helper()
	repository, tag := split(name)
	platform := v1.Platform{OS: "linux", Architecture: runtime.GOARCH}
	return r.manifest(t, repository, tag, v1.MediaTypeImageManifest, r.image(t, repository, platform, sizes)).Digest
}

// PushIndex makes an index with one image of one small layer for each platform, such as linux/arm64, and returns its digest.
func (r *Registry) PushIndex(t testing.TB, name string, platforms ...string) digest.Digest {
	t.Helper()
	repository, tag := split(name)
	index := v1.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageIndex}
	for _, text := range platforms {
		parts := append(strings.Split(text, "/"), "", "")
		platform := v1.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}
		image := r.manifest(t, repository, "", v1.MediaTypeImageManifest, r.image(t, repository, platform, []int64{100}))
		image.Platform = &platform
		index.Manifests = append(index.Manifests, image)
	}
	return r.manifest(t, repository, tag, v1.MediaTypeImageIndex, index).Digest
}

// image uploads the layers and the configuration of an image, and returns its manifest.
func (r *Registry) image(t testing.TB, repository string, platform v1.Platform, sizes []int64) v1.Manifest {
	t.Helper()
	manifest := v1.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageManifest}
	config := v1.Image{Platform: platform, RootFS: v1.RootFS{Type: "layers"}}
	config.Config.Cmd = []string{"/content"}
	for _, size := range sizes {
		layer, content := r.layer(t, repository, size)
		manifest.Layers = append(manifest.Layers, layer)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, content)
	}
	manifest.Config = r.blob(t, repository, v1.MediaTypeImageConfig, encode(t, config))
	return manifest
}

// layer uploads a layer, and returns it and the digest of its content.
func (r *Registry) layer(t testing.TB, repository string, size int64) (v1.Descriptor, digest.Digest) {
	t.Helper()
	reader, writer := io.Pipe()
	content := sha256.New()
	go func() { writer.CloseWithError(writeLayer(writer, content, size)) }()
	layer := r.upload(t, repository, reader)
	layer.MediaType = v1.MediaTypeImageLayerGzip
	return layer, sum(content)
}

// writeLayer writes a layer: one file of random bytes. content gets it before it is compressed.
func writeLayer(w io.Writer, content io.Writer, size int64) error {
	compressed, err := gzip.NewWriterLevel(w, gzip.NoCompression) // random bytes do not become smaller
	if err != nil {
		return err
	}
	archive := tar.NewWriter(io.MultiWriter(compressed, content))
	if err := archive.WriteHeader(&tar.Header{Name: "content", Mode: 0o755, Size: size}); err != nil {
		return err
	}
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(rand.Uint32())
	}
	if _, err := io.CopyN(archive, rand.NewChaCha8(seed), size); err != nil {
		return err
	}
	return errors.Join(archive.Close(), compressed.Close())
}

// blob uploads a small blob.
func (r *Registry) blob(t testing.TB, repository, mediaType string, data []byte) v1.Descriptor {
	t.Helper()
	blob := r.upload(t, repository, bytes.NewReader(data))
	blob.MediaType = mediaType
	return blob
}

func (r *Registry) upload(t testing.TB, repository string, content io.Reader) v1.Descriptor {
	t.Helper()
	blob := sha256.New()
	size := counter(0)
	begun := r.do(t, r.request(t, http.MethodPost, "/v2/"+repository+"/blobs/uploads/", nil), http.StatusAccepted)
	data := io.TeeReader(content, io.MultiWriter(blob, &size))
	sent := r.do(t, r.request(t, http.MethodPatch, begun.Header.Get("Location"), data), http.StatusAccepted)
	end := r.request(t, http.MethodPut, sent.Header.Get("Location"), nil)
	query := end.URL.Query()
	query.Set("digest", sum(blob).String())
	end.URL.RawQuery = query.Encode()
	r.do(t, end, http.StatusCreated)
	return v1.Descriptor{Digest: sum(blob), Size: int64(size)}
}

// manifest uploads a manifest or an index. Without a tag only its digest names it.
func (r *Registry) manifest(t testing.TB, repository, tag, mediaType string, manifest any) v1.Descriptor {
	t.Helper()
	data := encode(t, manifest)
	described := v1.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	if tag == "" {
		tag = described.Digest.String()
	}
	request := r.request(t, http.MethodPut, "/v2/"+repository+"/manifests/"+url.PathEscape(tag), bytes.NewReader(data))
	request.Header.Set("Content-Type", mediaType)
	r.do(t, request, http.StatusCreated)
	return described
}

// request returns a request to the registry. url may be absolute, as the registry itself gives it.
func (r *Registry) request(t testing.TB, method, url string, body io.Reader) *http.Request {
	t.Helper()
	if strings.HasPrefix(url, "/") {
		url = "http://" + r.address + url
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if r.user != (User{}) {
		request.SetBasicAuth(r.user.Name, r.user.Password)
	}
	request.Header.Set("Accept", v1.MediaTypeImageManifest+", "+v1.MediaTypeImageIndex+", application/vnd.docker.distribution.manifest.v2+json")
	return request
}

func (r *Registry) send(t testing.TB, request *http.Request) *http.Response {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response
}

// do sends a request. The test fails unless the registry answers with the status.
func (r *Registry) do(t testing.TB, request *http.Request, status int) *http.Response {
	t.Helper()
	response := r.send(t, request)
	if response.StatusCode != status {
		t.Fatalf("the registry answers %s %s with %s", request.Method, request.URL.Path, response.Status)
	}
	return response
}

func encode(t testing.TB, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(fmt.Errorf("encoding %T: %w", value, err))
	}
	return data
}

func sum(h hash.Hash) digest.Digest {
	return digest.NewDigestFromEncoded(digest.SHA256, hex.EncodeToString(h.Sum(nil)))
}

// counter counts the bytes that are written to it.
type counter int64

func (c *counter) Write(data []byte) (int, error) {
	*c += counter(len(data))
	return len(data), nil
}
