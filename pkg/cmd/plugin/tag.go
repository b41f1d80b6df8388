// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/distribution/reference"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"

	apis "github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func newTagCommand(p *plugin) *cobra.Command {
	return &cobra.Command{
		Use:     "tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
		Short:   "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
		Long:    "Creates a tag TARGET_IMAGE that refers to SOURCE_IMAGE. If another image has the tag, the tag moves.",
		GroupID: groupOthers,
		Args: func(command *cobra.Command, arguments []string) error {
			if len(arguments) != 2 {
				return fmt.Errorf("%s needs the name or the ID of an image, and a tag", command.CommandPath())
			}
			return nil
		},
		ValidArgsFunction: p.completeImages,
		RunE: func(command *cobra.Command, arguments []string) error {
			target, err := newTag(arguments[1])
			if err != nil {
				return err
			}
			client, err := p.engine(command.Context(), p.warnings())
			if err != nil {
				return err
			}
			found, err := client.images().find(command.Context(), arguments[0])
			if err != nil {
				return err
			}
			if err := client.images().tag(command.Context(), found[0].Status.ID, target); err != nil {
				return fmt.Errorf("cannot tag %s as %s: %w", arguments[0], arguments[1], client.explain("images", err))
			}
			return nil
		},
	}
}

// newTag reads the name of a tag. As with docker, a name without a tag means the tag latest.
func newTag(argument string) (string, error) {
	named, err := reference.ParseNormalizedNamed(argument)
	if err == nil {
		if _, hasDigest := named.(reference.Digested); hasDigest {
			err = errors.New("a tag has no digest")
		}
	}
	if err != nil {
		return "", fmt.Errorf("%q cannot be a tag: %w", argument, err)
	}
	return reference.FamiliarString(reference.TagNameOnly(named)), nil
}

// tag gives a tag to the image with this ID. If another image has the tag, the tag moves.
func (i *images) tag(ctx context.Context, id, tag string) error {
	patch, err := json.Marshal(map[string]any{"spec": v1alpha1.ImageSpec{From: id}})
	if err != nil {
		return err
	}
	name := apis.NameOfTag(tag)
	// The tag may come or go between the two requests.
	return retry.OnError(retry.DefaultRetry, apierrors.IsNotFound, func() error {
		made := &v1alpha1.Image{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.ImageSpec{From: id}}
		if _, err := i.Create(ctx, made, metav1.CreateOptions{FieldManager: fieldManager}); !apierrors.IsAlreadyExists(err) {
			return err
		}
		_, err := i.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
		return err
	})
}
