// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"
	"k8s.io/kubectl/pkg/util/term"
	"k8s.io/utils/clock"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/plugin/archive"
)

const (
	archives subresource = "archive"
	// standardStream is the local path that means standard input or standard output.
	standardStream = "-"
	// sizeDigits is how many digits of a size are printed.
	sizeDigits = 3
)

// copying is the command that copies files between a container and the local file system.
type copying struct {
	*plugin
	followLink, keepOwners, quiet bool
	clock                         clock.PassiveClock
}

func newCpCommand(p *plugin) *cobra.Command {
	c := &copying{plugin: p, clock: clock.RealClock{}}
	command := &cobra.Command{
		Use:   "cp CONTAINER:SRC_PATH DEST_PATH|-\n  kubectl engine cp SRC_PATH|- CONTAINER:DEST_PATH",
		Short: "Copy files/folders between a container and the local filesystem",
		Long: `Copies files and folders between a container and the local filesystem. The container need not run.

A folder whose path ends with /. stands for what is in it. A copy to a folder that is there goes into it. With - for the
local path, a tar archive is written to standard output or read from standard input.

Links are copied as links. Nothing is read or written through a link that leads out of what is copied. Local copies have
no set-user-ID, set-group-ID and sticky bits.`,
		GroupID: groupInside,
		Example: `  # Copy a file out of a container
  kubectl engine cp web:/etc/nginx/nginx.conf .

  # Copy what is in a folder into a container
  kubectl engine cp site/. web:/usr/share/nginx/html

  # Look into a folder of a container
  kubectl engine cp web:/var/log - | tar t`,
		Args: func(command *cobra.Command, arguments []string) error {
			if len(arguments) != 2 {
				return fmt.Errorf("%s needs what to copy and where to, one of them as CONTAINER:PATH", command.CommandPath())
			}
			return nil
		},
		ValidArgsFunction: p.completePath,
		RunE: func(command *cobra.Command, arguments []string) error {
			if !command.Flags().Changed("quiet") {
				c.quiet = !term.IsTerminal(p.Out)
			}
			ctx, stop := signal.NotifyContext(command.Context(), os.Interrupt) // so that nothing half written is left behind
			defer stop()
			return c.run(ctx, parseCopyPath(arguments[0]), parseCopyPath(arguments[1]))
		},
	}
	flags := command.Flags()
	flags.BoolVarP(&c.keepOwners, "archive", "a", false, "Archive mode (copy all uid/gid information)")
	flags.BoolVarP(&c.followLink, "follow-link", "L", false, "Always follow symbol link in SRC_PATH")
	flags.BoolVarP(&c.quiet, "quiet", "q", false, "Suppress progress output during copy. It is suppressed without a terminal, too")
	return command
}

// copyPath is one side of a copy. A local path has no container.
type copyPath struct{ container, path string }

// parseCopyPath reads an argument as docker does: a local path with a colon begins with a dot or is absolute.
func parseCopyPath(argument string) copyPath {
	name, rest, hasColon := strings.Cut(argument, ":")
	if !hasColon || strings.HasPrefix(name, ".") || filepath.IsAbs(argument) || strings.HasPrefix(argument, string(filepath.Separator)) {
		return copyPath{path: argument}
	}
	return copyPath{name, rest}
}

// String returns the path as the user writes it.
func (p copyPath) String() string {
	if p.container == "" {
		return p.path
	}
	return p.container + ":" + p.path
}

// isDirectoryPath reports whether a path can only be that of a directory.
func isDirectoryPath(path string) bool {
	return strings.HasSuffix(path, "/") || strings.HasSuffix(path, "/.")
}

func (c *copying) run(ctx context.Context, from, to copyPath) error {
	var err error
	switch {
	case from.container != "" && to.container != "":
		return errors.New("copying between containers is not supported: copy to - and from - instead")
	case from.container == "" && to.container == "":
		return fmt.Errorf("neither %s nor %s is in a container: write the path in a container as CONTAINER:PATH", from, to)
	case from.path == "" || to.path == "":
		return errors.New("a path is empty: write / for the root directory of a container, and . for the local directory")
	case from.container != "":
		err = c.download(ctx, from, to.path)
	default:
		err = c.upload(ctx, from.path, to)
	}
	if err != nil && !isAbsent(err) {
		return fmt.Errorf("cannot copy %s to %s: %w", from, to, err)
	}
	return err
}

// stat returns what is at a path in a container.
func (c *copying) stat(ctx context.Context, client *containers, name, path string) (*v1alpha1.ContainerPathStat, error) {
	options := &v1alpha1.ContainerArchiveOptions{Path: path, Stat: true}
	answer := archives.of(client.rest.Get(), client, name, options).Do(ctx)
	if err := answer.Error(); err != nil { // which has the server's words. The error of Raw has not
		return nil, archives.explain(client, err)
	}
	encoded, err := answer.Raw()
	if err != nil {
		return nil, err
	}
	stat := &v1alpha1.ContainerPathStat{}
	if err := json.Unmarshal(encoded, stat); err != nil {
		return nil, fmt.Errorf("reading what is at %s: %w", path, err)
	}
	return stat, nil
}

// options returns the options of the archive.
func (c *copying) options() archive.Options {
	return archive.Options{KeepOwners: c.keepOwners, LeftOut: func(name string) {
		fmt.Fprintf(c.ErrOut, "left out %s, which is no file, directory or link\n", name)
	}}
}

// progress returns what shows how much was copied.
func (c *copying) progress(header string) *progress {
	shown := &progress{header: header, clock: c.clock}
	if !c.quiet {
		shown.out = c.ErrOut
	}
	return shown
}

// finish says how much was copied.
func (c *copying) finish(shown *progress, to string) error {
	if c.quiet {
		return nil
	}
	_, err := fmt.Fprintf(c.ErrOut, "Successfully copied %s to %s\n", units.HumanSizeWithPrecision(float64(shown.size.Load()), sizeDigits), to)
	return err
}
