// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/plugin/archive"
)

// deviceModes are the letters for devices, pipes, sockets and the like in the mode of a file.
const deviceModes = "DpSc?"

// upload copies to a container.
func (c *copying) upload(ctx context.Context, from string, to copyPath) error {
	if from == standardStream {
		client, found, err := c.container(ctx, to.container)
		if err != nil {
			return err
		}
		return archives.session(ctx, client, found.Name, &v1alpha1.ContainerArchiveOptions{Path: to.path, Stdin: true}, streams{in: c.In})
	}
	source, err := c.local(from)
	if err != nil {
		return err
	}
	client, found, err := c.container(ctx, to.container)
	if err != nil {
		return err
	}
	directory, top, err := c.placeIn(ctx, client, found.Name, to.path, source)
	if err != nil {
		return err
	}
	shown := c.progress("Copying to container - ")
	reader, writer := io.Pipe()
	packed := make(chan struct{})
	go func() { // ends when the reader is closed
		defer close(packed)
		// An error fails the reader, so that what was packed is not taken for all.
		writer.CloseWithError(archive.Pack(io.MultiWriter(writer, shown), source.path, top, c.options()))
	}()
	err = archives.session(ctx, client, found.Name, &v1alpha1.ContainerArchiveOptions{Path: directory, Stdin: true}, streams{in: reader})
	reader.Close()
	<-packed
	shown.end()
	if err != nil {
		return err
	}
	return c.finish(shown, to.String())
}

// localSource is what is copied to a container.
type localSource struct {
	// path is where it is, after the links that are followed.
	path, name             string
	isDirectory, isContent bool
}

// local finds what is at a local path. As with docker, a link is followed if something stands behind it.
func (c *copying) local(given string) (localSource, error) {
	slashed := filepath.ToSlash(given)
	isContent := slashed == "." || strings.HasSuffix(slashed, "/.")
	follows := c.followLink || isContent || isDirectoryPath(slashed)
	stat := os.Lstat
	if follows {
		stat = os.Stat
	}
	found, err := stat(given)
	if err != nil {
		return localSource{}, err
	}
	absolute, err := filepath.Abs(given)
	if err != nil {
		return localSource{}, err
	}
	source := localSource{path: absolute, name: filepath.Base(absolute), isDirectory: found.IsDir(), isContent: isContent || filepath.Dir(absolute) == absolute}
	if follows {
		source.path, err = filepath.EvalSymlinks(absolute)
	}
	return source, err
}

// placeIn returns in which directory of a container the source is unpacked if the user wants it at to, and what it is
// called there.
func (c *copying) placeIn(ctx context.Context, client *containers, name, to string, source localSource) (directory, top string, err error) {
	stat, err := c.stat(ctx, client, name, to)
	if err == nil && stat.LinkTarget != "" {
		to = stat.LinkTarget
		stat, err = c.stat(ctx, client, name, to)
	}
	isAbsent := isAbsentPath(err)
	switch {
	case err != nil && !isAbsent:
		return "", "", err
	case isAbsent && !source.isDirectory && isDirectoryPath(to):
		return "", "", fmt.Errorf("there is no directory %s in the container", to)
	case isAbsent:
	case stat.IsDirectory:
		if source.isContent && source.isDirectory {
			return to, ".", nil
		}
		return to, source.name, nil
	case source.isDirectory:
		return "", "", fmt.Errorf("%s is a file in the container, and a directory cannot replace it", to)
	case strings.ContainsAny(strings.TrimRight(stat.Mode, "rwx-"), deviceModes):
		return "", "", fmt.Errorf("%s is neither a directory nor a regular file", to)
	}
	to = path.Join("/", to)
	return path.Dir(to), path.Base(to), nil
}
