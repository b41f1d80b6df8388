// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// sources is the number of images between which the tags move.
const sources = 3

var imageOperations = []operation{
	{8, (*writer).tag},
	{2, (*writer).importImage},
	{4, removeTag("docker rmi", func(w *writer, ctx context.Context, name string) error {
		_, err := w.Docker.ImageRemove(ctx, name, image.RemoveOptions{})
		return err
	})},
	{4, removeTag("api delete image", func(w *writer, ctx context.Context, name string) error {
		return w.API.Images(w.Namespace).Delete(ctx, ImageName(name), metav1.DeleteOptions{})
	})},
	{1, (*writer).commit},
	{1, (*writer).makeUnreported},
	{1, func(w *writer, ctx context.Context) (string, error) {
		_, err := w.Docker.ImagesPrune(ctx, filters.NewArgs(filters.Arg("dangling", "true")))
		return "docker image prune", err
	}},
}

// ImageName returns the name of the Image that shows a tag.
func ImageName(tag string) string { return strings.ReplaceAll(tag, "/", "~") }

func (t *Traffic) makeSources(ctx context.Context) error {
	for i := range sources {
		id, err := t.imports(ctx, fmt.Sprintf("%s-source-%d:latest", t.Prefix, i))
		if err != nil {
			return err
		}
		t.sources = append(t.sources, id)
	}
	return nil
}

// imports makes an image whose content no other image has, and returns its ID.
func (t *Traffic) imports(ctx context.Context, tag string) (string, error) {
	content := []byte(fmt.Sprintf("%s %d", tag, t.serial.Add(1)))
	var layer bytes.Buffer
	archive := tar.NewWriter(&layer)
	if err := archive.WriteHeader(&tar.Header{Name: "content", Mode: 0o644, Size: int64(len(content))}); err != nil {
		return "", err
	}
	if _, err := archive.Write(content); err != nil {
		return "", err
	}
	if err := archive.Close(); err != nil {
		return "", err
	}
	stream, err := t.Docker.ImageImport(ctx, image.ImportSource{Source: &layer, SourceName: "-"}, tag, image.ImportOptions{})
	if err != nil {
		return "", fmt.Errorf("importing image %s: %w", tag, err)
	}
	defer stream.Close()
	if _, err := io.Copy(io.Discard, stream); err != nil {
		return "", fmt.Errorf("importing image %s: %w", tag, err)
	}
	found, err := t.Docker.ImageInspect(ctx, tag)
	return found.ID, err
}

// tag makes a tag point to one of the sources. The tag may exist already.
func (w *writer) tag(ctx context.Context) (string, error) {
	s := w.take(w.Tags, func(*Slot) bool { return true })
	if s == nil {
		return "", nil
	}
	defer s.Unlock()
	began, id := w.Recorder.Now(), w.sources[w.random.IntN(sources)]
	err := w.Docker.ImageTag(ctx, id, s.Name)
	w.record(began, err, owner(s.Name, id))
	if outcomeOf(err) != refused {
		s.set(id)
	}
	return "docker tag " + s.Name, err
}

// importImage makes a tag point to a new image. When the tag moves later, the image is dangling.
func (w *writer) importImage(ctx context.Context) (string, error) {
	s := w.take(w.Tags, func(*Slot) bool { return true })
	if s == nil {
		return "", nil
	}
	defer s.Unlock()
	began := w.Recorder.Now()
	id, err := w.imports(ctx, s.Name)
	if err != nil {
		w.taint(s.Name) // the image may exist, and nobody knows its ID
	} else {
		w.record(began, err, owner(s.Name, id))
	}
	s.set(id)
	return "docker import " + s.Name, err
}

func removeTag(how string, call func(*writer, context.Context, string) error) func(*writer, context.Context) (string, error) {
	return func(w *writer, ctx context.Context) (string, error) {
		s := w.take(w.Tags, isTaken)
		if s == nil {
			return "", nil
		}
		defer s.Unlock()
		began := w.Recorder.Now()
		err := call(w, ctx, s.Name)
		w.missed(began, ImageName(s.Name), err)
		w.recordIfGone(began, err, owner(s.Name, history.Absent))
		if outcomeOf(err) != refused || isGone(err) {
			s.set("")
		}
		return fmt.Sprintf("%s %s", how, s.Name), err
	}
}

// commit makes an image without a tag. Docker raises no image event for it.
func (w *writer) commit(ctx context.Context) (string, error) {
	name := fmt.Sprintf("%s-commit-%d", w.Prefix, w.serial.Add(1))
	created, err := w.create(ctx, name, w.label(), nil)
	if err != nil {
		return "docker create " + name, err
	}
	if _, err := w.Docker.ContainerCommit(ctx, created.ID, container.CommitOptions{}); err != nil {
		return "docker commit " + name, err
	}
	return "docker commit " + name, w.Docker.ContainerRemove(ctx, created.ID, container.RemoveOptions{Force: true})
}

// makeUnreported makes an image for which engines with the classic image store raise no event. No reader looks at its name.
func (w *writer) makeUnreported(ctx context.Context) (string, error) {
	ways := slices.Sorted(maps.Keys(engine.UnreportedImages))
	way := ways[w.random.IntN(len(ways))]
	name := fmt.Sprintf("%s-unreported-%d", w.Prefix, w.serial.Add(1))
	return way + " " + name, engine.UnreportedImages[way](ctx, w.Docker, name)
}
