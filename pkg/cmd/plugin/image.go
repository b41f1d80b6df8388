// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	apis "github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	typedv1alpha1 "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
)

func newImageCommand(p *plugin) *cobra.Command {
	return newParentCommand("image", "Manage images", newImageLsCommand(p), newImageRmCommand(p), newImagePruneCommand(p),
		asTwin(newPullCommand(p), "pull NAME[:TAG|@DIGEST]"), asTwin(newPushCommand(p), "push NAME[:TAG]"), asTwin(newTagCommand(p), "tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]"))
}

// images is a client for the images of one engine.
type images struct {
	typedv1alpha1.ImageInterface
}

func (e *engine) images() *images { return &images{e.kinds.Images(e.namespace)} }

// imageAlgorithm is in front of the digits of an image ID.
const imageAlgorithm = "sha256:"

// partOfImageID matches what may be an image ID or the beginning of one.
var partOfImageID = regexp.MustCompile(`^(` + imageAlgorithm + `)?[0-9a-f]{1,64}$`)

// find returns the image that docker means by argument: one tag if it is the name of a tag, or all objects of an image if
// it is the ID of the image, the beginning of its ID, or a digest.
func (i *images) find(ctx context.Context, argument string) ([]v1alpha1.Image, error) {
	found, err := i.Get(ctx, apis.NameOfTag(argument), metav1.GetOptions{}) // the server also knows the short forms of a tag
	if err == nil {
		return []v1alpha1.Image{*found}, nil
	}
	if !isAbsent(err) {
		return nil, err
	}
	all, listErr := i.List(ctx, metav1.ListOptions{})
	if apierrors.IsForbidden(listErr) {
		return nil, err
	}
	if listErr != nil {
		return nil, listErr
	}
	matching := slices.DeleteFunc(all.Items, func(image v1alpha1.Image) bool { return !isMeant(&image, argument) })
	if len(matching) == 0 {
		return nil, err
	}
	if ids := idsOf(matching); ids.Len() > 1 {
		return nil, fmt.Errorf("the IDs of %d images begin with %s", ids.Len(), argument)
	}
	return matching, nil
}

// isMeant reports whether argument is the ID of the image, the beginning of its ID, or one of its digests.
func isMeant(image *v1alpha1.Image, argument string) bool {
	if partOfImageID.MatchString(argument) {
		return strings.HasPrefix(image.Status.ID, imageAlgorithm+strings.TrimPrefix(argument, imageAlgorithm))
	}
	named, err := reference.ParseNormalizedNamed(argument)
	if err != nil {
		return false
	}
	_, isDigest := named.(reference.Canonical)
	return isDigest && slices.Contains(image.Status.RepoDigests, reference.FamiliarString(named))
}

func idsOf(objects []v1alpha1.Image) sets.Set[string] {
	ids := sets.New[string]()
	for i := range objects {
		ids.Insert(objects[i].Status.ID)
	}
	return ids
}

// repositoryOf returns the repository of a tag or a digest in its familiar form.
func repositoryOf(name string) string {
	repository, _, _ := strings.Cut(name, "@")
	if colon := strings.LastIndex(repository, ":"); colon > strings.LastIndex(repository, "/") {
		repository = repository[:colon]
	}
	return repository
}

// completeImages completes the tags of the images, and the short IDs of those without a tag.
func (p *plugin) completeImages(command *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return p.completeNames(func(ctx context.Context, e *engine) ([]offer, error) {
		return offers(ctx, e.images().List, func(image *v1alpha1.Image) offer {
			id := apis.ShortID(image.Status.ID)
			if image.Status.RepoTag == "" {
				return offer{id, "no tag"}
			}
			return offer{image.Status.RepoTag, id}
		})
	})(command, given, begun)
}

// someImages is a cobra.PositionalArgs for commands that take the names or IDs of images.
func someImages(command *cobra.Command, arguments []string) error {
	if len(arguments) == 0 {
		return fmt.Errorf("%s needs the name or the ID of an image (%[1]s --help shows how it is used)", command.CommandPath())
	}
	return nil
}
