// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/docker/cli/cli/command/formatter"
	"github.com/docker/docker/api/types/image"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// imageList is the command that lists images.
type imageList struct {
	*plugin
	quiet, noTrunc, digests bool
	filters                 []string
	format                  string
}

func newImagesCommand(p *plugin) *cobra.Command {
	l := &imageList{plugin: p}
	command := &cobra.Command{
		Use:     "images [REPOSITORY[:TAG]]",
		Short:   "List images",
		GroupID: groupOthers,
		Example: `  # List the images without a tag
  kubectl engine images -f dangling=true

  # List the images of a registry
  kubectl engine images 'registry.example.com/*/*'`,
		Args: func(command *cobra.Command, arguments []string) error {
			if len(arguments) > 1 {
				return fmt.Errorf("%s takes at most one repository or tag, but was given %d", command.CommandPath(), len(arguments))
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(command *cobra.Command, arguments []string) error {
			listed, err := l.run(command.Context(), arguments)
			if err == nil && listed == 0 && len(arguments) == 1 {
				l.hint(command, arguments[0])
			}
			return err
		},
	}
	flags := command.Flags()
	flags.BoolP("all", "a", false, "Show all images (the default does so too: the server shows no intermediate images)")
	flags.BoolVarP(&l.quiet, "quiet", "q", false, "Only show image IDs")
	flags.BoolVar(&l.noTrunc, "no-trunc", false, "Don't truncate output")
	flags.BoolVar(&l.digests, "digests", false, "Show digests")
	imageFilters.addFlag(flags, &l.filters)
	flags.StringVar(&l.format, "format", "", formatHelp)
	return command
}

func newImageLsCommand(p *plugin) *cobra.Command {
	return asTwin(newImagesCommand(p), "ls [REPOSITORY[:TAG]]", "list")
}

func (l *imageList) run(ctx context.Context, arguments []string) (listed int, err error) {
	chosen, err := imageFilters.parse(l.filters)
	if err != nil {
		return 0, err
	}
	for _, pattern := range arguments {
		chosen.Add("reference", pattern)
	}
	client, err := l.engine(ctx, l.warnings())
	if err != nil {
		return 0, err
	}
	list, err := client.images().List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, fmt.Errorf("cannot list the images: %w", err)
	}
	shown, err := chooseImages(list.Items, imageFilters, chosen, time.Now())
	if err != nil {
		return 0, err
	}
	return len(shown), formatter.ImageWrite(formatter.ImageContext{
		Context: formatter.Context{
			Output: l.Out,
			Format: formatter.NewImageFormat(cmp.Or(l.format, formatter.TableFormatKey), l.quiet, l.digests),
			Trunc:  !l.noTrunc,
		},
		Digest: l.digests,
	}, imageSummaries(shown))
}

// hint tells a user who typed "images ls" what was meant.
func (l *imageList) hint(command *cobra.Command, argument string) {
	for _, sibling := range command.Root().Commands() {
		if sibling.Name() != "image" {
			continue
		}
		if meant, _, err := sibling.Find([]string{argument}); err == nil && meant != sibling {
			fmt.Fprintf(l.ErrOut, "no image has the name %q: did you mean %q?\n", argument, meant.CommandPath())
		}
	}
}

// imageSummaries returns what docker would list of the images, the newest first. Docker lists an image in a row for each
// of its tags, and in one for each repository of which it has only a digest.
func imageSummaries(objects []v1alpha1.Image) []image.Summary {
	byRow := map[string]*image.Summary{} // by image and repository: docker mixes up the repositories of an image
	row := func(status *v1alpha1.ImageStatus, repository string) *image.Summary {
		key := status.ID + " " + repository
		if byRow[key] == nil {
			byRow[key] = &image.Summary{ID: status.ID, Labels: status.Labels, Size: status.Size, SharedSize: -1, Containers: -1}
			if status.CreatedAt != nil {
				byRow[key].Created = status.CreatedAt.Unix()
			}
		}
		return byRow[key]
	}
	for i := range objects {
		status := &objects[i].Status
		if status.RepoTag != "" {
			tagged := row(status, repositoryOf(status.RepoTag))
			tagged.RepoTags = append(tagged.RepoTags, status.RepoTag)
		}
		for _, digest := range status.RepoDigests {
			named := row(status, repositoryOf(digest))
			if !slices.Contains(named.RepoDigests, digest) {
				named.RepoDigests = append(named.RepoDigests, digest)
			}
		}
		if status.RepoTag == "" && len(status.RepoDigests) == 0 {
			row(status, "")
		}
	}
	keys := slices.SortedFunc(maps.Keys(byRow), func(a, b string) int {
		return cmp.Or(cmp.Compare(byRow[b].Created, byRow[a].Created), strings.Compare(a, b))
	})
	summaries := make([]image.Summary, len(keys))
	for i, key := range keys {
		slices.Sort(byRow[key].RepoTags)
		summaries[i] = *byRow[key]
	}
	return summaries
}
