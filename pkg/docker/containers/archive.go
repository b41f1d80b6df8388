// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"context"
	"fmt"
	"io"
	"net/http"

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
		return s.noSuchPath(ctx, id, path, err)
	})
	if err != nil {
		return nil, connection.APIError("archive", containerResource, name, err)
	}
	return &v1alpha1.ContainerPathStat{
		Name: stat.Name, Size: stat.Size, Mode: stat.Mode.String(), IsDirectory: stat.Mode.IsDir(),
		ModifiedAt: metav1.NewTime(stat.Mtime), LinkTarget: stat.LinkTarget,
	}, nil
}

// noSuchPath returns err. If the container is there and Docker does not find the path, it returns an error that says so.
func (s *Source) noSuchPath(ctx context.Context, id, path string, err error) error {
	checked := s.checkNotFound(ctx, id, err)
	if checked != nil && checked != err && connection.IsConflict(checked) {
		return &apierrors.StatusError{ErrStatus: metav1.Status{
			Status: metav1.StatusFailure, Code: http.StatusNotFound, Reason: metav1.StatusReasonNotFound,
			Message: fmt.Sprintf("there is no %q in the container", path),
			Details: &metav1.StatusDetails{Group: containerResource.Group, Kind: containerResource.Resource},
		}}
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
		return stream, s.noSuchPath(ctx, id, path, err)
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
	return a.source.Client.OrUnavailable(err)
}
