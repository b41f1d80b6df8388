// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package failpoints

import (
	"context"
	"errors"
	"fmt"
	"slices"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"golang.org/x/sync/errgroup"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// killEngine kills dockerd. Containers keep running. The next dockerd kills them or, with live-restore, takes them over.
func killEngine(liveRestore bool) func(context.Context, *Target) (func() error, error) {
	return func(_ context.Context, t *Target) (func() error, error) {
		if err := t.Engine.Configure(map[string]any{"live-restore": liveRestore}); err != nil {
			return nil, err
		}
		if err := t.Engine.Kill(); err != nil {
			return nil, err
		}
		return t.Engine.Restart, nil
	}
}

func suspendEngine(_ context.Context, t *Target) (func() error, error) {
	return t.Engine.Resume, t.Engine.Pause()
}

func fill(_ context.Context, t *Target) (func() error, error) {
	return t.Engine.Free, t.Engine.Fill()
}

func killServer(_ context.Context, t *Target) (func() error, error) {
	t.KillServer()
	return func() error {
		t.StartServer()
		return nil
	}, nil
}

// swap connects the server to another engine, which holds different objects with the same names.
func swap(ctx context.Context, t *Target) (func() error, error) {
	other := t.Other.Client()
	// Remove the networks of earlier rounds, because Docker has subnets for about thirty networks.
	if _, err := other.NetworksPrune(ctx, filters.Args{}); err != nil {
		return nil, fmt.Errorf("pruning the other engine's networks: %w", err)
	}
	for i := range 3 {
		name := fmt.Sprintf("%s-c%d", t.Prefix, i)
		if _, err := create(ctx, t.Other, name, &container.HostConfig{}, engine.Wait...); err != nil && !cerrdefs.IsConflict(err) {
			return nil, fmt.Errorf("making the other engine's container %s: %w", name, err)
		}
		name = fmt.Sprintf("%s-v%d", t.Prefix, i)
		if _, err := other.VolumeCreate(ctx, volume.CreateOptions{Name: name}); err != nil {
			return nil, fmt.Errorf("making the other engine's volume %s: %w", name, err)
		}
		name = fmt.Sprintf("%s-n%d", t.Prefix, i)
		if _, err := other.NetworkCreate(ctx, name, network.CreateOptions{}); err != nil && !cerrdefs.IsConflict(err) {
			return nil, fmt.Errorf("making the other engine's network %s: %w", name, err)
		}
		name = fmt.Sprintf("%s-i%d:latest", t.Prefix, i)
		if err := other.ImageTag(ctx, engine.Busybox, name); err != nil {
			return nil, fmt.Errorf("making the other engine's image %s: %w", name, err)
		}
	}
	lead := func(to *engine.Engine) error {
		if err := t.Proxy.LeadTo(to.Host()); err != nil {
			return err
		}
		t.Proxy.Drop()
		return nil
	}
	return func() error { return lead(t.Engine) }, lead(t.Other)
}

func create(ctx context.Context, e *engine.Engine, name string, host *container.HostConfig, command ...string) (string, error) {
	created, err := e.Client().ContainerCreate(ctx, engine.Config(command...), host, nil, nil, name)
	return created.ID, err
}

// remove returns a function that removes containers.
func (t *Target) remove(ids *[]string) func() error {
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), recovery)
		defer cancel()
		return eachOf(len(*ids), func(i int) error {
			err := t.Engine.Client().ContainerRemove(ctx, (*ids)[i], container.RemoveOptions{Force: true})
			if cerrdefs.IsNotFound(err) {
				return nil
			}
			return err
		})
	}
}

// eachOf calls do with 0 to n-1, up to 8 at a time, and returns the first error.
func eachOf(n int, do func(i int) error) error {
	var group errgroup.Group
	group.SetLimit(8)
	for i := range n {
		group.Go(func() error { return do(i) })
	}
	return group.Wait()
}

// crashLoop starts containers that exit at once and that Docker restarts again and again.
func crashLoop(ctx context.Context, t *Target) (func() error, error) {
	ids := make([]string, t.count(50, 8))
	err := eachOf(len(ids), func(i int) (err error) {
		ids[i], err = create(ctx, t.Engine, engine.UniqueName(fmt.Sprintf("%s-crash-%d", t.Prefix, i)),
			&container.HostConfig{RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyAlways}}, "sh", "-c", "exit 1")
		if err != nil {
			return err
		}
		return t.Engine.Client().ContainerStart(ctx, ids[i], container.StartOptions{})
	})
	remove := t.remove(&ids)
	if err != nil {
		ids = slices.DeleteFunc(ids, func(id string) bool { return id == "" })
		return nil, errors.Join(err, remove())
	}
	return remove, nil
}

// failStart makes the start of containers fail. Docker records the error in the container, but raises no event.
func failStart(ctx context.Context, t *Target) (func() error, error) {
	var ids []string
	for range 3 {
		id, err := create(ctx, t.Engine, engine.UniqueName(t.Prefix+"-broken"), &container.HostConfig{}, "/nonexistent")
		if err != nil {
			return nil, errors.Join(err, t.remove(&ids)())
		}
		ids = append(ids, id)
		if err := t.Engine.Client().ContainerStart(ctx, id, container.StartOptions{}); err == nil {
			return nil, errors.Join(errors.New("starting a container with a missing program: it did not fail"), t.remove(&ids)())
		}
	}
	return t.remove(&ids), nil
}
