// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package failpoints

import (
	"context"
	"errors"
	"fmt"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// killEngine kills dockerd. What runs goes on, and is killed or taken over by the next dockerd.
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

// swap has the server show another engine, which holds other things of the same names.
func swap(ctx context.Context, t *Target) (func() error, error) {
	other := t.Other.Client()
	for i := range 3 {
		name := fmt.Sprintf("%s-c%d", t.Prefix, i)
		if _, err := create(ctx, t.Other, name, &container.HostConfig{}, engine.Wait...); err != nil && !cerrdefs.IsConflict(err) {
			return nil, fmt.Errorf("making the other engine's container %s: %w", name, err)
		}
		name = fmt.Sprintf("%s-v%d", t.Prefix, i)
		if _, err := other.VolumeCreate(ctx, volume.CreateOptions{Name: name}); err != nil {
			return nil, fmt.Errorf("making the other engine's volume %s: %w", name, err)
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
	host.NetworkMode = "none"
	created, err := e.Client().ContainerCreate(ctx, &container.Config{Image: engine.Busybox, Cmd: command}, host, nil, nil, name)
	return created.ID, err
}

// remove returns a function that removes containers.
func (t *Target) remove(ids *[]string) func() error {
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), recovery)
		defer cancel()
		var problems []error
		for _, id := range *ids {
			err := t.Engine.Client().ContainerRemove(ctx, id, container.RemoveOptions{Force: true})
			if err != nil && !cerrdefs.IsNotFound(err) {
				problems = append(problems, err)
			}
		}
		return errors.Join(problems...)
	}
}

// crashLoop has containers fail that Docker starts again and again.
func crashLoop(ctx context.Context, t *Target) (func() error, error) {
	var ids []string
	for i := range t.count(50, 8) {
		id, err := create(ctx, t.Engine, engine.UniqueName(fmt.Sprintf("%s-crash-%d", t.Prefix, i)),
			&container.HostConfig{RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyAlways}}, "sh", "-c", "exit 1")
		if err == nil {
			ids = append(ids, id)
			err = t.Engine.Client().ContainerStart(ctx, id, container.StartOptions{})
		}
		if err != nil {
			return nil, errors.Join(err, t.remove(&ids)())
		}
	}
	return t.remove(&ids), nil
}

// failStart has starts fail. The container then is as before, but for the reason, and Docker raises no event.
func failStart(ctx context.Context, t *Target) (func() error, error) {
	var ids []string
	for range 3 {
		id, err := create(ctx, t.Engine, engine.UniqueName(t.Prefix+"-broken"), &container.HostConfig{}, "/nonexistent")
		if err != nil {
			return nil, errors.Join(err, t.remove(&ids)())
		}
		ids = append(ids, id)
		if err := t.Engine.Client().ContainerStart(ctx, id, container.StartOptions{}); err == nil {
			return nil, errors.Join(errors.New("a container without a program has started"), t.remove(&ids)())
		}
	}
	return t.remove(&ids), nil
}
