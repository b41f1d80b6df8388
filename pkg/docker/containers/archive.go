// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// Stat returns what is at a path in a container.
func (s *Source) Stat(ctx context.Context, id, name, path string) (*v1alpha1.ContainerPathStat, error) {
	var stat container.PathStat
	err := s.Client.Read(ctx, connection.ReadTimeout, func(ctx context.Context, c *connection.Connection) (err error) {
		stat, err = c.Docker.ContainerStatPath(ctx, id, path)
		if err != nil && !errdefs.IsNotFound(err) {
			// Docker's answer to HEAD has no words. Its answer to GET has the same stat, or the words.
			var archive io.ReadCloser
			if archive, stat, err = c.Docker.CopyFromContainer(ctx, id, path); err == nil {
				err = archive.Close()
			}
		}
		return s.pathError(ctx, id, name, path, err)
	})
	if err != nil {
		return nil, connection.APIError("archive", containerResource, name, err)
	}
	return &v1alpha1.ContainerPathStat{
		Name: stat.Name, Size: stat.Size, Mode: stat.Mode.String(), IsDirectory: stat.Mode.IsDir(),
		ModifiedAt: metav1.NewTime(stat.Mtime), LinkTarget: stat.LinkTarget,
	}, nil
}

// unusablePath matches why Docker cannot use a path that a client sent. What stands before it is a path on the engine's host.
var unusablePath = regexp.MustCompile(`not a directory$|too many links|too many levels of symbolic links|file name too long`)

// unusableArchive matches why Docker cannot unpack an archive that is damaged, or none.
var unusableArchive = regexp.MustCompile(`Error processing tar file|archive/tar: |unexpected EOF|unhandled tar header|invalid (?:hard|sym)link| is outside of `)

// obstacle matches what keeps Docker from unpacking a good archive.
var obstacle = regexp.MustCompile(`marked read-only|read-only file system|cannot overwrite (?:non-)?directory|no space left on device|disk quota exceeded`)

// pathError returns the error for what Docker says of a path in a container. Most of it has the status 500.
func (s *Source) pathError(ctx context.Context, id, name, path string, err error) error {
	checked := s.checkNotFound(ctx, id, err)
	switch {
	case checked == nil:
		return nil
	case checked != err && connection.IsConflict(checked): // the container is there, and the path is not
		return &apierrors.StatusError{ErrStatus: metav1.Status{
			Status: metav1.StatusFailure, Code: http.StatusNotFound, Reason: metav1.StatusReasonNotFound,
			Message: fmt.Sprintf("there is no %q in the container", path),
			Details: &metav1.StatusDetails{
				Group: containerResource.Group, Kind: containerResource.Resource, Name: name,
				Causes: []metav1.StatusCause{{Type: metav1.CauseTypeFieldValueNotFound, Field: "path", Message: path}},
			},
		}}
	}
	if reason := unusablePath.FindString(connection.Words(checked)); reason != "" {
		return apierrors.NewConflict(containerResource, name, fmt.Errorf("%q: %s", path, reason))
	}
	return checked
}

// archiveError returns the error for what Docker says of an archive that it has to unpack. Most of it has the status 500.
func (s *Source) archiveError(ctx context.Context, id, name, path string, err error) error {
	checked := s.pathError(ctx, id, name, path, err)
	if checked == nil || errors.As(checked, new(apierrors.APIStatus)) {
		return checked
	}
	switch words := connection.Words(checked); {
	case obstacle.MatchString(words):
		return apierrors.NewConflict(containerResource, name, errors.New(words))
	case unusableArchive.MatchString(words):
		return errdefs.ErrInvalidArgument.WithMessage("the input is no tar archive that can be unpacked: " + words)
	}
	return checked
}

// Archive is a copy from or to a container that has not begun.
type Archive struct {
	source         *Source
	id, name, path string
	// from is the archive of what is at the path, or nil for a copy to the container.
	from io.ReadCloser
}

// ReadArchive opens the tar archive of what is at a path in a container. ctx ends the copy.
func (s *Source) ReadArchive(ctx context.Context, id, name, path string) (*Archive, error) {
	archive := &Archive{source: s, id: id, name: name, path: path}
	stream, err := s.Client.Stream(ctx, func(ctx context.Context, c *connection.Connection) (io.ReadCloser, error) {
		stream, _, err := c.Docker.CopyFromContainer(ctx, id, path)
		return stream, s.pathError(ctx, id, name, path, err)
	})
	if err != nil {
		return nil, connection.APIError("archive", containerResource, name, err)
	}
	archive.from = stream
	return archive, nil
}

// WriteArchive prepares to unpack a tar archive in a directory of a container.
func (s *Source) WriteArchive(ctx context.Context, id, name, path string) (*Archive, error) {
	stat, err := s.Stat(ctx, id, name, path)
	if err != nil {
		return nil, err
	}
	// Docker resolves a link itself, and refuses one that leads to no directory.
	if !stat.IsDirectory && stat.LinkTarget == "" {
		return nil, apierrors.NewConflict(containerResource, name, fmt.Errorf("%q is not a directory, so that nothing can be unpacked in it", path))
	}
	return &Archive{source: s, id: id, name: name, path: path}, nil
}

// Run copies the archive. It may leave a read of stdin behind.
func (a *Archive) Run(ctx context.Context, streams Streams) (exitCode int, err error) {
	if a.from != nil {
		defer a.from.Close()
		_, err = io.Copy(streams.Stdout, a.from)
	} else {
		err = a.unpack(ctx, streams.Stdin)
	}
	if err != nil {
		return 0, connection.APIError("archive", containerResource, a.name, err)
	}
	return 0, nil
}

// unpack sends an archive to its end. The engine could not tell an archive that breaks off from one that ends, so the
// request is broken off, too.
func (a *Archive) unpack(ctx context.Context, archive io.Reader) error {
	current, err := a.source.Client.Current()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(current.Context(), cancel)()
	err = current.Docker.CopyToContainer(ctx, a.id, a.path, archive, container.CopyToContainerOptions{})
	if err != nil && current.Context().Err() != nil {
		return a.source.Client.Explain(context.Cause(current.Context()))
	}
	return a.source.archiveError(ctx, a.id, a.name, a.path, a.source.Client.OrUnavailable(err))
}
