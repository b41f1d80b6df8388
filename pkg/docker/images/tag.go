// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// Create gives a tag, the name of the object, to the image with the ID in spec.from. Docker would move a tag that exists, so
// Create looks first. Changes of tags take turns, so that no other request makes the tag in between.
func (s *Source) Create(ctx context.Context, key string, object runtime.Object) (string, error) {
	image := object.(*v1alpha1.Image)
	_, name, _ := strings.Cut(key, "/")
	tag, err := names.TagOfName(name)
	if err != nil || !names.IsFullImageID(image.Spec.From) {
		return "", apierrors.NewBadRequest(fmt.Sprintf("tagging image %q as %q: the name or spec.from is not valid", image.Spec.From, name))
	}
	return image.Spec.From, s.tag(ctx, "create", name, tag, image, func(ctx context.Context) error {
		response, err := s.inspect(ctx, tag)
		if err == nil && response != nil && slices.Contains(tagsOf(response), tag) {
			return apierrors.NewAlreadyExists(imageResource, name)
		}
		return err
	})
}

// Update moves a tag if spec.from has changed, and keeps what kubectl applied last.
func (s *Source) Update(ctx context.Context, id string, old, updated runtime.Object) error {
	before, after := old.(*v1alpha1.Image), updated.(*v1alpha1.Image)
	tag := before.Status.RepoTag
	if before.Spec.From == after.Spec.From {
		s.applied.set(id, tag, source.AppliedTo(after))
		s.MarkDirty(id)
		return nil
	}
	if tag == "" || !names.IsFullImageID(after.Spec.From) {
		return apierrors.NewBadRequest(fmt.Sprintf("moving the tag of image %q to %q: it has no tag, or spec.from is not valid", before.Name, after.Spec.From))
	}
	defer s.MarkDirty(id)
	return s.tag(ctx, "update", before.Name, tag, after, func(ctx context.Context) error {
		_, err := s.removable(ctx, id, before.Name, tag)
		return err
	})
}

// tag gives the tag to the image with the ID in spec.from, once check has succeeded.
func (s *Source) tag(ctx context.Context, verb, name, tag string, image *v1alpha1.Image, check func(context.Context) error) error {
	id := image.Spec.From
	return s.Client.Operate(ctx, verb, imageResource, name, func(ctx context.Context, c *connection.Connection) error {
		select {
		case s.tagging <- struct{}{}:
			defer func() { <-s.tagging }()
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := check(ctx); err != nil {
			return err
		}
		defer s.MarkDirty(id)
		err := connection.Change(ctx, func(ctx context.Context) error { return c.Docker.ImageTag(ctx, id, tag) })
		if errdefs.IsNotFound(err) {
			return apierrors.NewInvalid(v1alpha1.Kind("Image"), name, field.ErrorList{field.NotFound(field.NewPath("spec", "from"), id)})
		}
		if err != nil {
			return err
		}
		s.applied.set(id, tag, source.AppliedTo(image))
		s.MarkDirty(moveSubject(tag, id))
		return nil
	})
}
