// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"io"

	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	dockercontainers "github.com/rancher-sandbox/engine-apiserver/pkg/docker/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
)

// Engine is what the subresources of containers ask of the engine. IDs are full IDs, and names are what errors call the
// containers.
type Engine interface {
	// Log opens the log of a container. The log ends with ctx. If a Read fails with another error than io.EOF, the log
	// is not complete.
	Log(ctx context.Context, id, name string, options *v1alpha1.ContainerLogOptions) (io.ReadCloser, error)
	// Top returns the processes of a container.
	Top(ctx context.Context, id, name, psArgs string) (*v1alpha1.ContainerTop, error)
	// Kill sends a signal to a container. The default is SIGKILL.
	Kill(ctx context.Context, id, name, signal string) error
	// Exec prepares a command in a container.
	Exec(ctx context.Context, id, name string, options *v1alpha1.ContainerExecOptions) (*dockercontainers.Exec, error)
	// Attach prepares to attach to a container.
	Attach(ctx context.Context, id, name string, options *v1alpha1.ContainerAttachOptions) (*dockercontainers.Attachment, error)
	// Ports prepares to connect to the ports of a container. If requested is empty, it is not known yet which they are.
	Ports(ctx context.Context, id, name string, requested []int32) (*dockercontainers.Ports, error)
	// Stat returns what is at a path in a container.
	Stat(ctx context.Context, id, name, path string) (*v1alpha1.ContainerPathStat, error)
	// ReadArchive opens the tar archive of what is at a path in a container.
	ReadArchive(ctx context.Context, id, name, path string) (*dockercontainers.Archive, error)
	// WriteArchive prepares to unpack a tar archive in a directory of a container.
	WriteArchive(ctx context.Context, id, name, path string) (*dockercontainers.Archive, error)
	// Rename gives a container another name.
	Rename(ctx context.Context, id, name, newName string) error
}

// subresource is a subresource of the containers, and the access that a server needs to have it.
type subresource struct {
	access  connection.Access
	name    string
	storage rest.Storage
}

// Subresources returns the storage of those subresources of the containers that the access allows, by name.
func Subresources(objects rest.Getter, engine Engine, access connection.Access, streams Streams) map[string]rest.Storage {
	allowed := map[string]rest.Storage{}
	for _, s := range subresources(registry.NewOwner[*v1alpha1.Container](objects), engine, streams) {
		if access.Includes(s.access) {
			allowed[s.name] = s.storage
		}
	}
	return allowed
}

func subresources(owner *registry.Owner[*v1alpha1.Container], engine Engine, streams Streams) []subresource {
	return []subresource{
		{connection.View, "log", &Log{owner, engine, streams.Sessions}},
		{connection.View, "top", &Top{owner, engine}},
		{connection.Full, "exec", newExec(owner, engine, streams)},
		{connection.Full, "attach", newAttach(owner, engine, streams)},
		{connection.Full, "archive", newArchive(owner, engine, streams)},
		{connection.Full, "portforward", newPortForward(owner, engine, streams)},
		{connection.Operate, "kill", &registry.Command[*v1alpha1.Container, *v1alpha1.ContainerKill]{
			Owner: owner, Resource: "containers", Kind: "ContainerKill",
			NewBody:  func() *v1alpha1.ContainerKill { return &v1alpha1.ContainerKill{} },
			Validate: containers.ValidateContainerKill,
			Do: func(ctx context.Context, c *v1alpha1.Container, kill *v1alpha1.ContainerKill) error {
				return engine.Kill(ctx, c.Status.ID, c.Name, kill.Signal)
			},
		}},
		{connection.Full, "rename", &registry.Command[*v1alpha1.Container, *v1alpha1.ContainerRename]{
			Owner: owner, Resource: "containers", Kind: "ContainerRename",
			NewBody:  func() *v1alpha1.ContainerRename { return &v1alpha1.ContainerRename{} },
			Validate: containers.ValidateContainerRename,
			Do: func(ctx context.Context, c *v1alpha1.Container, rename *v1alpha1.ContainerRename) error {
				return engine.Rename(ctx, c.Status.ID, c.Name, rename.NewName)
			},
		}},
	}
}
