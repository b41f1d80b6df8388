// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

func TestActivePortsAreThoseThatDockerLists(t *testing.T) {
	x := connect(t)
	ctx := t.Context()
	bridge := engine.UniqueName("ports")
	_, err := x.docker.NetworkCreate(ctx, bridge, network.CreateOptions{})
	dockertest.Must(t, err)
	t.Cleanup(func() { dockertest.Must(t, x.docker.NetworkRemove(context.Background(), bridge)) })
	for _, mode := range []string{bridge, "host", "none"} {
		name := engine.UniqueName("ports")
		id := shared.Create(t, name, func(c *container.Config, h *container.HostConfig) {
			c.NetworkDisabled = false
			c.ExposedPorts = nat.PortSet{"53/udp": {}, "3000/tcp": {}}
			h.NetworkMode = container.NetworkMode(mode)
			h.PortBindings = nat.PortMap{"8000/tcp": {{HostIP: "127.0.0.1"}}}
		})
		for _, step := range []struct {
			what string
			do   func() error
		}{
			{"create", func() error { return nil }},
			{"start", func() error { return x.docker.ContainerStart(ctx, id, container.StartOptions{}) }},
			{"pause", func() error { return x.docker.ContainerPause(ctx, id) }},
			{"unpause", func() error { return x.docker.ContainerUnpause(ctx, id) }},
			{"kill", func() error {
				done, failed := x.docker.ContainerWait(ctx, id, container.WaitConditionNotRunning)
				if err := x.docker.ContainerKill(ctx, id, "KILL"); err != nil {
					return err
				}
				select {
				case <-done:
					return nil
				case err := <-failed:
					return err
				}
			}},
		} {
			dockertest.Must(t, step.do())
			found, err := x.docker.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("id", id))})
			dockertest.Must(t, err)
			want := []string{}
			for _, port := range found[0].Ports {
				want = append(want, fmt.Sprintf("%s:%d->%d/%s", port.IP, port.PublicPort, port.PrivatePort, port.Type))
			}
			got := []string{}
			ports := x.container(t, name).Status.Ports
			for _, port := range ports {
				if port.Active && len(port.Bindings) == 0 {
					got = append(got, ":0->"+port.Name)
				}
				for _, binding := range port.Bindings {
					got = append(got, binding.HostIP+":"+binding.HostPort+"->"+port.Name)
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) || len(ports) != 3 {
				t.Errorf("after %s on %s: %v, and Docker lists %v", step.what, mode, ports, want)
			}
		}
	}
}
