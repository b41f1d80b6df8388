// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"fmt"

	"github.com/distribution/reference"
	"github.com/docker/docker/pkg/namesgenerator"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/plugin/runflags"
)

// creation is what run and create have in common: they make a container from docker's flags.
type creation struct {
	*plugin
	flags  *runflags.Run
	output outputFlags
	quiet  bool
}

// newCreation adds the flags to a command, which takes an image, a command and its arguments.
func newCreation(p *plugin, command *cobra.Command) *creation {
	c := &creation{plugin: p}
	command.Args = func(command *cobra.Command, arguments []string) error {
		if len(arguments) == 0 {
			return fmt.Errorf("%s needs the name of an image (%[1]s --help shows how it is used)", command.CommandPath())
		}
		return nil
	}
	flags := command.Flags()
	flags.SetInterspersed(false)             // the flags behind the image are those of its command
	flags.Bool("help", false, "Print usage") // -h is the host name
	c.flags = runflags.NewRun(flags)
	flags.BoolVarP(&c.quiet, "quiet", "q", false, "Suppress the pull output")
	c.output.addFlags(flags, "Only print the container that would be created: client sends nothing, server has the server check it")
	return c
}

// container returns the container that the command line describes. As with docker, it gets a name if none was given. isGiven
// is false then.
func (c *creation) container(arguments []string) (described *v1alpha1.Container, isGiven bool, err error) {
	described, err = c.flags.Container(arguments[0], arguments[1:])
	if err != nil {
		return nil, false, err
	}
	if len(described.Spec.Args) == 0 {
		described.Spec.Args = nil
	}
	described.Spec.StdinOnce = described.Spec.Stdin // as with docker, the first client to end its input ends that of the container
	if _, err := reference.ParseAnyReference(described.Spec.Image); err != nil {
		return nil, false, fmt.Errorf("%q: %w", described.Spec.Image, err)
	}
	if isGiven = described.Name != ""; !isGiven {
		described.Name = namesgenerator.GetRandomName(0)
	}
	return described, isGiven, nil
}

// dryRun prints the container, and reports whether that is all that was asked for.
func (c *creation) dryRun(ctx context.Context, described *v1alpha1.Container) (all bool, err error) {
	if err := c.output.complete(); err != nil {
		return false, err
	}
	switch c.output.dryRun {
	case dryRunClient:
		described.Namespace = *c.plugin.flags.Namespace
		return true, c.output.print(c.Out, described)
	case dryRunServer:
		client, err := c.connect(ctx, c.warnings())
		if err != nil {
			return true, err
		}
		checked, err := client.Create(ctx, described, metav1.CreateOptions{FieldManager: fieldManager, DryRun: []string{metav1.DryRunAll}})
		if err != nil {
			return true, fmt.Errorf("cannot create %s: %w", described.Name, client.explain("containers", err))
		}
		return true, c.output.print(c.Out, checked)
	}
	return false, nil
}

// nameAttempts is how many random names are tried. Docker tries as many.
const nameAttempts = 6

// prepare downloads the image if that is necessary, and returns a client that can create the container.
func (c *creation) prepare(ctx context.Context, described *v1alpha1.Container) (*containers, error) {
	client, err := c.connect(ctx, c.warnings())
	if err != nil {
		return nil, err
	}
	return client, c.providesImage(ctx, client, &described.Spec)
}

// create creates a container that is not started.
func (c *creation) create(ctx context.Context, client *containers, described *v1alpha1.Container, isNamed bool) (*v1alpha1.Container, error) {
	described = described.DeepCopy()
	described.Spec.State = v1alpha1.ContainerStateCreated
	for attempt := 1; ; attempt++ {
		made, err := client.Create(ctx, described, metav1.CreateOptions{FieldManager: fieldManager})
		switch {
		case err == nil:
			return made, nil
		case isNamed || attempt == nameAttempts || !apierrors.IsAlreadyExists(err):
			return nil, fmt.Errorf("cannot create %s: %w", described.Name, client.explain("containers", err))
		}
		described.Name = namesgenerator.GetRandomName(attempt)
	}
}

// providesImage downloads the image if the policy says so. The server would do that, too, but without the user's credentials and
// without showing its progress. Of a platform the server knows best whether its image is there.
func (c *creation) providesImage(ctx context.Context, client *containers, spec *v1alpha1.ContainerSpec) error {
	named, err := reference.ParseNormalizedNamed(spec.Image)
	if err != nil || spec.ImagePullPolicy == v1alpha1.ContainerPullNever { // an ID cannot be downloaded
		return nil
	}
	if spec.ImagePullPolicy == "" && spec.Platform == "" {
		if _, err := client.images().find(ctx, spec.Image); !isAbsent(err) {
			return nil // the server tells what is wrong when it creates the container
		}
		fmt.Fprintf(c.ErrOut, "Unable to find image '%s' locally\n", reference.FamiliarString(reference.TagNameOnly(named)))
	}
	onError := *c.plugin
	onError.Out = c.ErrOut // the output is that of the container
	t := newPull(&onError)
	t.quiet = c.quiet
	policy := v1alpha1.ImagePullPolicy(spec.ImagePullPolicy)
	if policy == "" {
		policy = v1alpha1.ImagePullIfNotPresent
	}
	if err := t.run(ctx, named, t.pullRequest(reference.TagNameOnly(named), spec.Platform, policy)); err != nil {
		return err
	}
	spec.ImagePullPolicy = "" // it has just been done
	return nil
}

func newCreateCommand(p *plugin) *cobra.Command {
	command := &cobra.Command{
		Use:     "create [OPTIONS] IMAGE [COMMAND] [ARG...]",
		Short:   "Create a new container",
		Long:    "Creates a container without starting it, and prints its name. The flags are those of run.",
		GroupID: groupChange,
	}
	c := newCreation(p, command)
	command.RunE = func(command *cobra.Command, arguments []string) error {
		ctx := command.Context()
		described, isNamed, err := c.container(arguments)
		if err != nil {
			return err
		}
		described.Spec.State = v1alpha1.ContainerStateCreated
		if all, err := c.dryRun(ctx, described); all || err != nil {
			return err
		}
		client, err := c.prepare(ctx, described)
		if err != nil {
			return err
		}
		made, err := c.create(ctx, client, described, isNamed)
		if err != nil {
			return err
		}
		if c.output.isGiven() {
			return c.output.print(c.Out, made)
		}
		_, err = fmt.Fprintln(c.Out, made.Name)
		return err
	}
	p.completeCreation(command)
	return command
}
