// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"context"
	"fmt"
	"net/http"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// betweenLooks makes a call as the server makes it, with an inspection before and after it.
func betweenLooks(look, call func() error) error {
	if err := look(); err != nil {
		return err
	}
	if err := call(); err != nil {
		return err
	}
	if err := look(); err != nil && !cerrdefs.IsNotFound(err) {
		return err
	}
	return nil
}

// writes compares deletes and changes of state with the Docker calls behind them.
func (s *setting) writes() {
	ctx, client := s.Context(), s.engine.Client()
	for range s.rewrites {
		ours, theirs := engine.UniqueName("write"), engine.UniqueName("write")
		for _, name := range []string{ours, theirs} {
			if err := s.createVolume(name); err != nil {
				s.Fatal(err)
			}
			if err := s.createContainer(name); err != nil {
				s.Fatal(err)
			}
		}
		inspectContainer := func() error {
			_, err := client.ContainerInspect(ctx, theirs)
			return err
		}
		inspectVolume := func() error {
			_, err := client.VolumeInspect(ctx, theirs)
			return err
		}
		for _, change := range []struct {
			to, call string
			make     func(context.Context) error
		}{
			{"running", "start", func(ctx context.Context) error { return client.ContainerStart(ctx, theirs, container.StartOptions{}) }},
			{"paused", "pause", func(ctx context.Context) error { return client.ContainerPause(ctx, theirs) }},
			{"running", "unpause", func(ctx context.Context) error { return client.ContainerUnpause(ctx, theirs) }},
		} {
			figure := "change of state, " + change.call
			s.turns(
				s.timed(figure, docker, func() error {
					return betweenLooks(inspectContainer, func() error { return change.make(ctx) })
				}),
				s.timed(figure, standalone, func() error {
					_, err := s.server.do(ctx, http.MethodPatch, s.server.path("containers", ours), fmt.Appendf(nil, `{"spec":{"state":%q}}`, change.to))
					return err
				}),
			)
		}
		for _, name := range []string{ours, theirs} {
			if err := client.ContainerKill(ctx, name, "KILL"); err != nil {
				s.Fatal(err)
			}
			await(s, func() error {
				inspected, err := client.ContainerInspect(ctx, name)
				if err == nil && inspected.State.Running {
					err = fmt.Errorf("%s still runs", name)
				}
				return err
			})
		}
		s.turns(
			s.timed("delete of a container", docker, func() error {
				return betweenLooks(inspectContainer, s.timed("removal of a container alone", docker, func() error {
					return client.ContainerRemove(ctx, theirs, container.RemoveOptions{})
				}))
			}),
			s.timed("delete of a container", standalone, func() error {
				_, err := s.server.do(ctx, http.MethodDelete, s.server.path("containers", ours), nil)
				return err
			}),
		)
		s.turns(
			s.timed("delete of a volume", docker, func() error {
				return betweenLooks(inspectVolume, s.timed("removal of a volume alone", docker, func() error {
					return client.VolumeRemove(ctx, theirs, false)
				}))
			}),
			s.timed("delete of a volume", standalone, func() error {
				_, err := s.server.do(ctx, http.MethodDelete, s.server.path("volumes", ours), nil)
				return err
			}),
		)
	}
}
