// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

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
)

// Delete removes one tag, or an image that has no tags. It forces the removal if the grace period is 0.
func (s *Images) Delete(ctx context.Context, id string, object runtime.Object) error {
	target := object.(*v1alpha1.Image)
	name, tag := target.Name, target.Status.RepoTag
	if !fullImageID.MatchString(id) {
		return apierrors.NewNotFound(imageResource, name)
	}
	force := forced(ctx)
	return s.engine.operate(ctx, "delete", imageResource, name, func(ctx context.Context, c *connection) error {
		defer s.sink.MarkDirty(id)
		reference, err := s.removable(ctx, id, name, tag)
		if err != nil {
			return err
		}
		err = change(ctx, func(ctx context.Context) error {
			_, err := c.client.ImageRemove(ctx, reference, image.RemoveOptions{Force: force, PruneChildren: true})
			return err
		})
		if isRemovedByAnother(err) {
			return s.removedByAnother(ctx, id, name, tag, err)
		}
		if isConflict(err) {
			users := containersUsing(ctx, c, filters.Arg("ancestor", id), func(found container.Summary) bool { return imageID(found.ImageID) == id })
			return inUse(imageResource, name, err, users)
		}
		return err
	})
}

// removable returns the reference to remove. It first checks that Docker takes the reference for this image.
func (s *Images) removable(ctx context.Context, id, name, tag string) (string, error) {
	reference := id
	if tag != "" {
		familiar, err := familiarTag(tag)
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
	case imageID(response.ID) != id:
		return "", apierrors.NewConflict(imageResource, name, fmt.Errorf("the tag is now at image %s", imageID(response.ID)))
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
func (s *Images) removedByAnother(ctx context.Context, id, name, tag string, err error) error {
	_, gone := s.removable(ctx, id, name, tag)
	switch {
	case gone == nil:
		return err
	case !apierrors.IsNotFound(gone) && !apierrors.IsConflict(gone), tag == "" && strings.Contains(err.Error(), id):
		return gone
	}
	return nil
}

// containersUsing returns the names of the containers that the filter finds and that match. It returns nothing if
// Docker does not answer.
func containersUsing(ctx context.Context, c *connection, filter filters.KeyValuePair, match func(container.Summary) bool) []string {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	found, err := c.client.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(filter)})
	if err != nil {
		return nil
	}
	var names []string
	for _, summary := range found {
		if match(summary) {
			names = append(names, ownName(summary))
		}
	}
	slices.Sort(names)
	return names
}

// ownName returns the name of a listed container, or its ID if it has no name. Docker also lists links to the
// container, such as /app/db, in any order.
func ownName(summary container.Summary) string {
	for _, name := range summary.Names {
		if own := strings.TrimPrefix(name, "/"); own != "" && !strings.Contains(own, "/") {
			return own
		}
	}
	return summary.ID
}
