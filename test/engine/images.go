// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/image"
)

// Busybox is the image that every engine holds from the start.
const Busybox = "busybox:latest"

// Image makes an image with one tag and returns its ID. No other image has the same content. Containers of it cannot run.
// With an empty ref the image is dangling.
func (e *Engine) Image(t testing.TB, ref string) string {
	t.Helper()
	id, err := e.MakeImage(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	e.removeImageAfter(t, id)
	return id
}

// MakeImage is like Image, but needs no test and does not remove the image.
func (e *Engine) MakeImage(ctx context.Context, ref string) (id string, err error) {
	content := UniqueName("content")
	return e.importImage(ctx, ref, func(archive *tar.Writer) error {
		return addFile(archive, "content", 0o644, []byte(content))
	})
}

// DanglingImage makes an image without a tag and returns its ID.
func (e *Engine) DanglingImage(t testing.TB) string {
	t.Helper()
	return e.Image(t, "")
}

// Tag adds a tag to an image.
func (e *Engine) Tag(t testing.TB, source, ref string) {
	t.Helper()
	if err := e.client.ImageTag(t.Context(), source, ref); err != nil {
		t.Fatal(err)
	}
	e.removeImageAfter(t, ref)
}

func (e *Engine) removeImageAfter(t testing.TB, ref string) {
	e.cleanUp(t, "image "+ref, func(ctx context.Context) error {
		_, err := e.client.ImageRemove(ctx, ref, image.RemoveOptions{Force: true, PruneChildren: true})
		return err
	})
}

// ImportBusybox makes the image Busybox from the installed busybox program.
func (e *Engine) ImportBusybox(ctx context.Context) error {
	busybox, err := lookPath("busybox")
	if err != nil {
		return fmt.Errorf("making %s: %w", Busybox, err)
	}
	program, err := os.ReadFile(busybox)
	if err != nil {
		return fmt.Errorf("making %s: %w", Busybox, err)
	}
	applets, err := exec.Command(busybox, "--list").Output()
	if err != nil {
		return fmt.Errorf("making %s: %w", Busybox, err)
	}
	_, err = e.importImage(ctx, Busybox, func(archive *tar.Writer) error {
		problems := []error{addFile(archive, "bin/busybox", 0o755, program)}
		for _, applet := range strings.Fields(string(applets)) {
			if applet != "busybox" {
				problems = append(problems, archive.WriteHeader(&tar.Header{
					Typeflag: tar.TypeSymlink, Name: "bin/" + applet, Linkname: "busybox", Mode: 0o777,
				}))
			}
		}
		return errors.Join(problems...)
	}, `CMD ["sh"]`)
	return err
}

func addFile(archive *tar.Writer, name string, mode int64, data []byte) error {
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(data))}); err != nil {
		return err
	}
	_, err := archive.Write(data)
	return err
}

func (e *Engine) importImage(ctx context.Context, ref string, fill func(*tar.Writer) error, changes ...string) (string, error) {
	var layer bytes.Buffer
	archive := tar.NewWriter(&layer)
	if err := errors.Join(fill(archive), archive.Close()); err != nil {
		return "", fmt.Errorf("importing image %q: %w", ref, err)
	}
	source := image.ImportSource{Source: &layer, SourceName: "-"}
	stream, err := e.client.ImageImport(ctx, source, ref, image.ImportOptions{Changes: changes})
	if err != nil {
		return "", fmt.Errorf("importing image %q: %w", ref, err)
	}
	id, err := lastMessage(stream)
	if err != nil {
		return "", fmt.Errorf("importing image %q: %w", ref, err)
	}
	return id, nil
}
