// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/checkers"
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
	{3, (*writer).makeUnreported},
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

// makeUnreported makes an image for which engines with the classic image store raise no event. If the image gets a tag, no other
// writer touches that tag.
func (w *writer) makeUnreported(ctx context.Context) (string, error) {
	ways := slices.Sorted(maps.Keys(engine.UnreportedImages))
	way := ways[w.random.IntN(len(ways))]
	name := fmt.Sprintf("%s-unreported-%d", w.Prefix, w.serial.Add(1))
	tag := ""
	if end := engine.UnreportedTags[way]; end != "" {
		tag = name + end
		w.addUnreported(tag)
	}
	began := w.Recorder.Now()
	err := engine.UnreportedImages[way](ctx, w.Docker, name)
	if tag != "" {
		if found, inspectErr := w.Docker.ImageInspect(ctx, tag); inspectErr == nil {
			w.record(began, nil, owner(tag, found.ID))
		} else {
			w.taint(tag) // it may be there later
		}
	}
	return way + " " + name, errors.Join(err, w.listImages(ctx, tag))
}

// listImages lists the images through the server until it answers, and records what the list says about the tag. Without this
// list a comparison could be the first that finds an unreported image, and the self-check would count it.
func (w *writer) listImages(ctx context.Context, tag string) error {
	for {
		began := w.Recorder.Now()
		images, err := w.API.Images(w.Namespace).List(ctx, metav1.ListOptions{})
		if err == nil {
			if tag != "" {
				w.recordRead(began, tag, images)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

func (w *writer) recordRead(began time.Duration, tag string, images *v1alpha1.ImageList) {
	value := history.Absent
	for _, i := range images.Items {
		if i.Name == ImageName(tag) {
			value = i.Status.ID
		}
	}
	w.record(began, nil, step{kind: checkers.Owner, register: tag, action: history.Read, value: value})
}
