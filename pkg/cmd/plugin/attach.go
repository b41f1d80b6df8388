// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	mobyterm "github.com/moby/term"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/exec"
	"k8s.io/kubectl/pkg/util/term"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// defaultDetachKeys are the keys with which docker leaves a container.
const defaultDetachKeys = "ctrl-p,ctrl-q"

// errDetached ends a session whose user has typed the detach keys.
var errDetached = errors.New("read escape sequence")

// attach is the command that connects the user with the main process of a container.
type attach struct {
	*plugin
	noStdin, signals bool
	detachKeys       string
}

func newAttachCommand(p *plugin) *cobra.Command {
	a := &attach{plugin: p}
	command := &cobra.Command{
		Use:   "attach CONTAINER",
		Short: "Attach local standard input, output, and error streams to a running container",
		Long: `Attaches the local standard input, output and error to a running container, and exits with its exit code.

From a container with a terminal you return by typing ` + defaultDetachKeys + `, or --detach-keys. It goes on.`,
		GroupID: groupInside,
		Args: func(command *cobra.Command, arguments []string) error {
			if len(arguments) > 1 {
				return fmt.Errorf("%s takes only one container, but was given %q, too", command.CommandPath(), arguments[1])
			}
			return someContainers(command, arguments)
		},
		ValidArgsFunction: p.completeFirst(isRunning),
		RunE:              func(command *cobra.Command, arguments []string) error { return a.run(command.Context(), arguments[0]) },
	}
	flags := command.Flags()
	flags.BoolVar(&a.noStdin, "no-stdin", false, "Do not attach STDIN")
	a.addFlags(flags)
	return command
}

// addFlags adds the flags that say how the user is connected.
func (a *attach) addFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&a.signals, "sig-proxy", true, "Proxy all received signals to the process")
	flags.StringVar(&a.detachKeys, "detach-keys", defaultDetachKeys, "Override the key sequence for detaching a container")
}

func (a *attach) run(ctx context.Context, argument string) error {
	keys, err := a.keys()
	if err != nil {
		return err
	}
	client, found, err := a.container(ctx, argument)
	if err != nil {
		return err
	}
	// The server says by a conflict that the container was made without a terminal or an open input.
	for _, way := range a.ways() {
		if err = a.session(ctx, client, found, way, keys, nil); !apierrors.IsConflict(err) {
			break
		}
	}
	return a.left(attachError(argument, err))
}

// keys returns the keys with which the user leaves.
func (a *attach) keys() ([]byte, error) {
	keys, err := mobyterm.ToBytes(a.detachKeys)
	if err != nil {
		return nil, fmt.Errorf("--detach-keys %q: %w", a.detachKeys, err)
	}
	return keys, nil
}

// attachError returns the error of a command for that of its session with a container.
func attachError(argument string, err error) error {
	if err == nil || errors.Is(err, errDetached) || errors.As(err, &exec.CodeExitError{}) {
		return err
	}
	return fmt.Errorf("cannot attach to %s: %w", argument, err)
}

// left returns nil for the error of a user who has left, and says it.
func (a *attach) left(err error) error {
	if !errors.Is(err, errDetached) {
		return err
	}
	_, err = fmt.Fprintln(a.ErrOut, err)
	return err
}

// ways returns how the container may be attached to, the best first.
func (a *attach) ways() (ways []v1alpha1.ContainerAttachOptions) {
	for _, tty := range []bool{true, false} {
		for _, stdin := range []bool{true, false} {
			if stdin && a.noStdin || tty && !term.IsTerminal(a.In) {
				continue
			}
			ways = append(ways, v1alpha1.ContainerAttachOptions{Stdin: stdin, Stdout: true, Stderr: !tty, TTY: tty})
		}
	}
	return ways
}

// session attaches to a container. before is nil unless the container does not run yet.
func (a *attach) session(ctx context.Context, client *containers, found *v1alpha1.Container, options v1alpha1.ContainerAttachOptions, keys []byte, before *start) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	connected := streams{out: a.Out, err: a.ErrOut, terminal: options.TTY, start: before}
	if options.Stdin {
		connected.in = a.In
	}
	if options.TTY && options.Stdin {
		connected.filter = func(in io.Reader) io.Reader { return detacher{mobyterm.NewEscapeProxy(in, keys), end} }
	}
	if a.signals && !options.TTY { // a terminal sends its signals as keys
		defer client.passSignals(ctx, found.Status.ID)()
	}
	err := subresource("attach").session(ctx, client, found.Name, &options, connected)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// detacher reads what the user types, and ends the session at the detach keys.
type detacher struct {
	in  io.Reader
	end context.CancelCauseFunc
}

// Read implements io.Reader. After the detach keys it does not return: the container would see the end of its input.
func (d detacher) Read(typed []byte) (int, error) {
	n, err := d.in.Read(typed)
	if errors.Is(err, mobyterm.EscapeError{}) {
		d.end(errDetached)
		select {}
	}
	return n, err
}

// passSignals sends the signals of this process to a container until the returned function is called.
func (c *containers) passSignals(ctx context.Context, id string) (stop func()) {
	received := make(chan os.Signal, 1)
	signal.Notify(received, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for s := range received {
			number, _ := s.(syscall.Signal)
			// The container may have ended meanwhile, which the session notices.
			_ = subresource("kill").create(ctx, c, id, &v1alpha1.ContainerKill{Signal: fmt.Sprint(int(number))})
		}
	}()
	return func() {
		signal.Stop(received)
		close(received)
		<-ended
	}
}
