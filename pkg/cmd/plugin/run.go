// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/util/exec"
	"k8s.io/kubectl/pkg/util/term"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/usage"
)

// Exit codes of docker run for a container that was not run.
const (
	codeNotRun         = 125
	codeNotExecutable  = 126
	codeCommandMissing = 127
)

// runner is the command that makes a container and connects the user with it.
type runner struct {
	*creation
	attach *attach
	detach bool
}

func newRunCommand(p *plugin) *cobra.Command {
	command := &cobra.Command{
		Use:   "run [OPTIONS] IMAGE [COMMAND] [ARG...]",
		Short: "Create and run a new container from an image",
		Long: `Creates and runs a container from an image. If the image is not there, the server downloads it, with the credentials of
your docker configuration.

Without -d the command prints what the container writes, and exits with the container's exit code. The exit code is 125
if the container could not be run, 126 if its command could not be executed, and 127 if there is no such command.`,
		Example: `  # Get a shell in a new container that is removed afterwards
  kubectl engine run -it --rm busybox

  # Run a web server in the background
  kubectl engine run -d --name web -p 8080:80 -v data:/usr/share/nginx/html --restart unless-stopped nginx

  # Write the same container down, and create it from the file
  kubectl engine run --dry-run=client -o yaml --name web -p 8080:80 nginx >web.yaml
  kubectl apply -f web.yaml`,
		GroupID: groupChange,
	}
	r := &runner{creation: newCreation(p, command), attach: &attach{plugin: p}}
	args := command.Args
	command.Args = func(command *cobra.Command, arguments []string) error {
		return coded(codeNotRun, args(command, arguments))
	}
	command.SetFlagErrorFunc(func(command *cobra.Command, err error) error { return coded(codeNotRun, usage.FlagError(command, err)) })
	command.RunE = func(command *cobra.Command, arguments []string) error {
		err := r.run(command.Context(), arguments)
		if errors.Is(err, errNoTerminal) || errors.As(err, &codedError{}) {
			return err
		}
		return coded(codeNotRun, err)
	}
	flags := command.Flags()
	flags.BoolVarP(&r.detach, "detach", "d", false, "Run container in background and print its name")
	r.attach.addFlags(flags)
	p.completeCreation(command)
	return command
}

// run runs the container.
func (r *runner) run(ctx context.Context, arguments []string) error {
	keys, err := r.attach.keys()
	if err != nil {
		return err
	}
	described, isNamed, err := r.container(arguments)
	if err != nil {
		return err
	}
	// The input of a container in the background stays open, as with docker.
	described.Spec.StdinOnce = described.Spec.StdinOnce && !r.detach
	if all, err := r.dryRun(ctx, described); all || err != nil {
		return err
	}
	switch {
	case r.output.isGiven() && !r.detach:
		return errNoOutput
	case described.Spec.Stdin && described.Spec.TTY && !r.detach && !term.IsTerminal(r.In):
		return errNoTerminal
	}
	client, err := r.prepare(ctx, described)
	if err != nil {
		return err
	}
	made, err := r.create(ctx, client, described, isNamed)
	if err != nil {
		return coded(codeOf(err), err)
	}
	if r.detach {
		return r.background(ctx, client, made)
	}
	err = r.foreground(ctx, client, made, keys)
	if made.Spec.AutoRemove && (err == nil || errors.As(err, &exec.CodeExitError{})) {
		// Whoever runs the command again finds the name free.
		err = errors.Join(err, client.removal(ctx, made))
	}
	return r.attach.left(err)
}

// background starts the container, and prints its name.
func (r *runner) background(ctx context.Context, client *containers, made *v1alpha1.Container) error {
	if err := client.start(ctx, made); err != nil {
		return err
	}
	if r.output.isGiven() {
		return r.output.print(r.Out, made)
	}
	_, err := fmt.Fprintln(r.Out, made.Name)
	return err
}

// foreground attaches to the container, starts it then, and returns when it has ended. So no output is lost.
func (r *runner) foreground(ctx context.Context, client *containers, made *v1alpha1.Container, keys []byte) error {
	session, end := context.WithCancelCause(ctx)
	defer end(nil)
	attached, running := make(chan struct{}), make(chan struct{})
	started := make(chan error, 1)
	go func() { // ends with the session, and is waited for
		var err error
		select {
		case <-attached:
			if err = client.start(ctx, made); err != nil {
				end(err)
			} else {
				close(running)
			}
		case <-session.Done():
		}
		started <- err
	}()
	tty := made.Spec.TTY
	options := v1alpha1.ContainerAttachOptions{Stdin: made.Spec.Stdin, Stdout: true, Stderr: !tty, TTY: tty, BeforeStart: true}
	err := r.attach.session(session, client, made, options, keys, &start{func() { close(attached) }, running})
	end(nil)
	if startErr := <-started; startErr != nil {
		return startErr
	}
	return attachError(made.Name, err)
}

// start starts a container that was just made. One that is removed when it ends may be gone before the answer. The error has
// the exit code of run.
func (c *containers) start(ctx context.Context, made *v1alpha1.Container) error {
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"state": v1alpha1.ContainerStateRunning}})
	if err != nil {
		return err
	}
	_, err = c.Patch(ctx, made.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	if goesOn(err) {
		err = c.follow(ctx, made, func(event watch.EventType, now *v1alpha1.Container) (bool, error) {
			if now.Status.Error != "" {
				return false, errors.New(now.Status.Error)
			}
			return event == watch.Deleted || now.Status.StartedAt != nil, nil
		})
	}
	if err == nil || made.Spec.AutoRemove && isAbsent(err) {
		return nil
	}
	return coded(codeOf(err), fmt.Errorf("cannot start %s: %w", made.Name, err))
}

// codeOf returns the exit code of docker run for an error of the engine. Docker, too, tells it from the words of the engine.
// If the engine was not reached, it has said nothing, and the words are those of the user's own machine.
func codeOf(err error) int {
	if errors.As(err, new(*url.Error)) {
		return codeNotRun
	}
	for _, known := range []struct {
		words string
		code  int
	}{
		{"executable file not found", codeCommandMissing},
		{"no such file or directory", codeCommandMissing},
		{"system cannot find the file specified", codeCommandMissing},
		{syscall.EACCES.Error(), codeNotExecutable},
		{syscall.EISDIR.Error(), codeNotExecutable},
	} {
		if strings.Contains(err.Error(), known.words) {
			return known.code
		}
	}
	return codeNotRun
}

// errNoOutput is the error of a run whose output is both that of the container and the container itself.
var errNoOutput = errors.New("-o prints the container, and so cannot be combined with its output: add --dry-run or -d, or use create")
