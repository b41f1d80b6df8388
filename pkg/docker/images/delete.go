// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

// Delete removes one tag, or an image that has no tags. It forces the removal if the grace period is 0.
func (s *Source) Delete(ctx context.Context, id string, object runtime.Object) error {
	target := object.(*v1alpha1.Image)
	name, tag := target.Name, target.Status.RepoTag
	if !names.IsFullImageID(id) {
		return apierrors.NewNotFound(imageResource, name)
	}
	force := source.Forced(ctx)
	return s.Client.Operate(ctx, "delete", imageResource, name, func(ctx context.Context, c *connection.Connection) error {
		defer s.MarkDirty(id)
		reference, err := s.removable(ctx, id, name, tag)
		if err != nil {
			return err
		}
		err = connection.Change(ctx, func(ctx context.Context) error {
			_, err := c.Docker.ImageRemove(ctx, reference, image.RemoveOptions{Force: force, PruneChildren: true})
			return err
		})
		if isRemovedByAnother(err) {
			return s.removedByAnother(ctx, id, name, tag, err)
		}
		if connection.IsConflict(err) {
			users := source.ContainersUsing(ctx, c, filters.Arg("ancestor", id), func(found container.Summary) bool { return names.ImageID(found.ImageID) == id })
			return source.InUse(imageResource, name, err, users)
		}
		return err
	})
}

// removable returns the reference to remove. It first checks that Docker takes the reference for this image.
func (s *Source) removable(ctx context.Context, id, name, tag string) (string, error) {
	reference := id
	if tag != "" {
		familiar, err := names.FamiliarTag(tag)
		if err != nil || familiar != tag {
			return "", apierrors.NewNotFound(imageResource, name)
		}
		reference = tag
	}
	response, err := s.inspect(ctx, reference)
	switch {
	case err != nil:
		return "", err
	case response == nil:
		return "", apierrors.NewNotFound(imageResource, name)
	case names.ImageID(response.ID) != id:
		return "", apierrors.NewConflict(imageResource, name, fmt.Errorf("the tag is now at image %s", names.ImageID(response.ID)))
	case tag != "" && !slices.Contains(tagsOf(response), tag):
		return "", apierrors.NewNotFound(imageResource, name)
	case tag == "" && len(tagsOf(response)) > 0:
		return "", apierrors.NewConflict(imageResource, name, fmt.Errorf("the image is tagged now: %s", strings.Join(tagsOf(response), ", ")))
	}
	return reference, nil
}

// unrecognizedImage is part of Docker's error, with status 500, when two removals overlap. The other removal has
// removed the image, or a parent that this removal would also remove.
const unrecognizedImage = "unrecognized image"

func isRemovedByAnother(err error) bool {
	return err != nil && strings.Contains(err.Error(), unrecognizedImage)
}

// removedByAnother returns the result of a removal that failed with unrecognizedImage. Docker has then already untagged
// the image, or removed it if the error is about a parent. So the removal succeeded. The error stays if the image is
// still there as before.
func (s *Source) removedByAnother(ctx context.Context, id, name, tag string, err error) error {
	_, gone := s.removable(ctx, id, name, tag)
	switch {
	case gone == nil:
		return err
	case !apierrors.IsNotFound(gone) && !apierrors.IsConflict(gone), tag == "" && strings.Contains(err.Error(), id):
		return gone
	}
	return nil
}
