// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/plugin/archive"
)

// download copies from a container.
func (c *copying) download(ctx context.Context, from copyPath, to string) error {
	client, found, err := c.container(ctx, from.container)
	if err != nil {
		return err
	}
	options := &v1alpha1.ContainerArchiveOptions{Path: from.path, Stdout: true}
	if c.followLink {
		stat, err := c.stat(ctx, client, found.Name, from.path)
		if err != nil {
			return err
		}
		if stat.LinkTarget != "" {
			options.Path = stat.LinkTarget
		}
	}
	if to == standardStream {
		return archives.session(ctx, client, found.Name, options, streams{out: c.Out})
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	shown := c.progress("Copying from container - ")
	reader, writer := io.Pipe()
	unpacked := make(chan error, 1)
	go func() { // ends when the writer is closed
		err := archive.Unpack(io.TeeReader(reader, shown), func(isDirectory bool) (archive.Place, error) {
			return localPlace(from.path, to, isDirectory)
		}, c.options())
		if err != nil {
			end(err)
		}
		reader.CloseWithError(err)
		unpacked <- err
	}()
	err = archives.session(ctx, client, found.Name, options, streams{out: writer})
	writer.CloseWithError(err) // an archive is complete only if the session has ended well
	unpackErr := <-unpacked
	shown.end()
	if err == nil {
		err = unpackErr
	}
	if err != nil {
		return err
	}
	absolute, err := filepath.Abs(to)
	if err != nil {
		return err
	}
	return c.finish(shown, absolute)
}

// localPlace returns where what is at from in a container goes, if the user wants it at to.
func localPlace(from, to string, isDirectory bool) (archive.Place, error) {
	name := path.Base(path.Join("/", from))
	isContent := name == "/" || strings.HasSuffix(from, "/.")
	found, err := os.Stat(to)
	switch {
	case err == nil && found.IsDir():
		if isDirectory && isContent {
			name = "."
		}
		return archive.Place{Directory: to, Name: name}, nil
	case err == nil && isDirectory:
		return archive.Place{}, fmt.Errorf("%s is a file, and a directory cannot replace it", to)
	case err == nil && !found.Mode().IsRegular():
		return archive.Place{}, fmt.Errorf("%s is neither a directory nor a regular file", to)
	case err == nil: // the file at the end of links is replaced
		if to, err = filepath.EvalSymlinks(to); err != nil {
			return archive.Place{}, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return archive.Place{}, err
	case !isDirectory && isDirectoryPath(filepath.ToSlash(to)):
		return archive.Place{}, fmt.Errorf("there is no directory %s", to)
	}
	to = filepath.Clean(to)
	if err != nil {
		if _, err := os.Lstat(to); err == nil {
			return archive.Place{}, fmt.Errorf("%s is a link that leads nowhere", to)
		}
		if _, err := os.Stat(filepath.Dir(to)); errors.Is(err, fs.ErrNotExist) {
			return archive.Place{}, fmt.Errorf("there is no directory %s", filepath.Dir(to))
		}
	}
	return archive.Place{Directory: filepath.Dir(to), Name: filepath.Base(to)}, nil
}
