// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"cmp"
	"fmt"
	"os"

	"github.com/distribution/reference"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	apis "github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/plugin/runflags"
)

func newPullCommand(p *plugin) *cobra.Command {
	var platform string
	t := newPull(p)
	command := &cobra.Command{
		Use:   "pull NAME[:TAG|@DIGEST]",
		Short: "Download an image from a registry",
		Long: `Downloads an image from a registry, with the credentials of your docker configuration. The server does the work. If you
interrupt the command, it cancels the download.`,
	}
	command.Flags().StringVar(&platform, "platform", "", "Download for this platform, such as linux/arm64 (default that of the engine, or $"+runflags.PlatformVariable+")")
	return t.command(command, func(image reference.Named) imageRequest {
		return t.pullRequest(image, cmp.Or(platform, os.Getenv(runflags.PlatformVariable)), v1alpha1.ImagePullAlways)
	})
}

// newPull returns a transfer that downloads images.
func newPull(p *plugin) *transfer {
	return &transfer{plugin: p, verb: "pull", work: "download", resource: "imagepullrequests", empty: func() imageRequest { return &v1alpha1.ImagePullRequest{} }}
}

// pullRequest returns a new request for an image.
func (t *transfer) pullRequest(image reference.Named, platform string, policy v1alpha1.ImagePullPolicy) imageRequest {
	return &v1alpha1.ImagePullRequest{
		ObjectMeta: metav1.ObjectMeta{Name: t.newName()},
		Spec:       v1alpha1.ImagePullRequestSpec{RepoTag: reference.FamiliarString(image), Platform: platform, Policy: policy},
	}
}

func newPushCommand(p *plugin) *cobra.Command {
	t := &transfer{plugin: p, verb: "push", work: "upload", resource: "imagepushrequests", empty: func() imageRequest { return &v1alpha1.ImagePushRequest{} }, namesQuietly: true}
	return t.command(&cobra.Command{
		Use:   "push NAME[:TAG]",
		Short: "Upload an image to a registry",
		Long: `Uploads an image to a registry, with the credentials of your docker configuration. The server does the work. If you
interrupt the command, it cancels the upload.`,
	}, func(image reference.Named) imageRequest {
		return &v1alpha1.ImagePushRequest{
			ObjectMeta: metav1.ObjectMeta{Name: t.newName()},
			Spec:       v1alpha1.ImagePushRequestSpec{ImageRef: apis.NameOfTag(reference.FamiliarString(image))},
		}
	})
}

// command completes the command. request returns a new request for an image.
func (t *transfer) command(command *cobra.Command, request func(reference.Named) imageRequest) *cobra.Command {
	var all bool
	command.GroupID, command.Args, command.ValidArgsFunction = groupOthers, oneImage, onlyFirst(t.completeImages)
	command.RunE = func(command *cobra.Command, arguments []string) error {
		if all {
			return fmt.Errorf("%s cannot %s all tags: name one tag for each command", command.CommandPath(), t.work)
		}
		image, err := t.parse(arguments[0])
		if err != nil {
			return err
		}
		if err := t.run(command.Context(), image, request(image)); err != nil || t.namesQuietly && !t.quiet {
			return err
		}
		_, err = fmt.Fprintln(t.Out, image)
		return err
	}
	flags := command.Flags()
	flags.BoolVarP(&t.quiet, "quiet", "q", false, "Suppress verbose output")
	flags.BoolVarP(&all, "all-tags", "a", false, "Not supported: "+t.work+" all tags")
	return command
}

// parse reads the name of an image. As with docker, a name without a tag and a digest means the tag latest.
func (t *transfer) parse(argument string) (reference.Named, error) {
	named, err := reference.ParseNormalizedNamed(argument)
	if err != nil {
		return nil, fmt.Errorf("cannot %s %q: %w", t.verb, argument, err)
	}
	if reference.IsNameOnly(named) {
		named = reference.TagNameOnly(named)
		if tagged, ok := named.(reference.Tagged); ok && !t.quiet {
			if _, err := fmt.Fprintln(t.Out, "Using default tag:", tagged.Tag()); err != nil {
				return nil, err
			}
		}
	}
	return named, nil
}

func oneImage(command *cobra.Command, arguments []string) error {
	if len(arguments) != 1 {
		return fmt.Errorf("%s needs the name of one image", command.CommandPath())
	}
	return nil
}
