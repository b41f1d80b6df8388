// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func newRmiCommand(p *plugin) *cobra.Command {
	var force bool
	command := &cobra.Command{
		Use:   "rmi IMAGE [IMAGE...]",
		Short: "Remove one or more images",
		Long: `Removes one or more images. The name of a tag removes that tag, and with the last tag the image. An ID removes all tags
of the image.`,
		GroupID:           groupOthers,
		Args:              someImages,
		ValidArgsFunction: p.completeImages,
		RunE: func(command *cobra.Command, arguments []string) error {
			client, err := p.engine(command.Context(), p.warnings())
			if err != nil {
				return err
			}
			var problems []error
			for _, argument := range arguments { // one after another, as images may share parents
				lines, err := client.images().remove(command.Context(), argument, force)
				if force && isAbsent(err) { // docker takes that for a success, too
					_, err = fmt.Fprintln(p.ErrOut, explain(err))
				}
				problems = append(problems, p.print(lines), err)
			}
			return errors.Join(problems...)
		},
	}
	command.Flags().BoolVarP(&force, "force", "f", false, "Force removal of the image")
	return command
}

func newImageRmCommand(p *plugin) *cobra.Command {
	return asTwin(newRmiCommand(p), "rm IMAGE [IMAGE...]", "rmi", "remove")
}

func (p *plugin) print(lines []string) error {
	for _, line := range lines {
		if _, err := fmt.Fprintln(p.Out, line); err != nil {
			return err
		}
	}
	return nil
}

// remove removes what docker means by argument, and returns lines that say what it has removed. It returns them also if
// it fails.
func (i *images) remove(ctx context.Context, argument string, force bool) (lines []string, err error) {
	found, err := i.find(ctx, argument)
	if err != nil {
		return nil, err
	}
	if err := refuse(found, argument, force); err != nil {
		return nil, err
	}
	for n := range found {
		options := metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(found[n].UID))}
		if force {
			options.GracePeriodSeconds = ptr.To[int64](0)
		}
		if err = i.Delete(ctx, found[n].Name, options); err != nil {
			err = fmt.Errorf("cannot remove %s: %w", argument, err)
			break
		}
		if tag := found[n].Status.RepoTag; tag != "" {
			lines = append(lines, "Untagged: "+tag)
		}
	}
	if err == nil || len(lines) > 0 {
		lines = append(lines, i.goneWith(ctx, &found[0].Status)...)
	}
	return lines, err
}

// refuse returns an error if docker would not remove the image by this argument.
func refuse(found []v1alpha1.Image, argument string, force bool) error {
	repositories := sets.New[string]()
	var tags []string
	for n := range found {
		if tag := found[n].Status.RepoTag; tag != "" {
			tags = append(tags, tag)
			repositories.Insert(repositoryOf(tag))
		}
	}
	switch {
	case strings.Contains(argument, "@") && len(tags) > 0:
		return fmt.Errorf("cannot remove %s: the image has tags: remove those (%s), or name its ID", argument, strings.Join(tags, ", "))
	case repositories.Len() > 1 && !force:
		return fmt.Errorf("cannot remove %s: the image is in several repositories: name one of %s, or add -f", argument, strings.Join(tags, ", "))
	}
	return nil
}

// goneWith returns lines that say what else was removed with a tag: digests, and the image if this was its last tag. It
// returns none to users who may not list images, as they cannot know.
func (i *images) goneWith(ctx context.Context, before *v1alpha1.ImageStatus) (lines []string) {
	left, err := i.List(ctx, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("status.id", before.ID).String()})
	if err != nil {
		return nil
	}
	for _, digest := range before.RepoDigests {
		if !slices.ContainsFunc(left.Items, func(image v1alpha1.Image) bool { return slices.Contains(image.Status.RepoDigests, digest) }) {
			lines = append(lines, "Untagged: "+digest)
		}
	}
	if len(left.Items) == 0 {
		lines = append(lines, "Deleted: "+before.ID)
	}
	return lines
}
