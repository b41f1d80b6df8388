// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"encoding/json"
	"net/http"

	"github.com/docker/docker/api/types/container"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// creations compares the creation of a container that runs at once with the two Docker calls for it.
func (s *setting) creations() {
	const figure = "create and start of a container"
	ctx, client := s.Context(), s.engine.Client()
	for range s.rewrites {
		ours, theirs := engine.UniqueName("creation"), engine.UniqueName("creation")
		wanted, err := json.Marshal(&v1alpha1.Container{
			TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "Container"},
			ObjectMeta: metav1.ObjectMeta{Name: ours, Labels: s.someLabels()},
			Spec:       v1alpha1.ContainerSpec{State: v1alpha1.ContainerStateRunning, Image: engine.Busybox, Args: engine.Wait, NetworkMode: "none"},
		})
		if err != nil {
			s.Fatal(err)
		}
		s.turns(
			s.timed(figure, docker, func() error {
				config := &container.Config{Image: engine.Busybox, Cmd: engine.Wait, Labels: s.someLabels()}
				if _, err := client.ContainerCreate(ctx, config, &container.HostConfig{NetworkMode: "none"}, nil, nil, theirs); err != nil {
					return err
				}
				return client.ContainerStart(ctx, theirs, container.StartOptions{})
			}),
			s.timed(figure, standalone, func() error {
				_, err := s.server.do(ctx, http.MethodPost, s.server.path("containers"), wanted)
				return err
			}),
		)
		for _, name := range []string{ours, theirs} {
			if err := client.ContainerRemove(ctx, name, container.RemoveOptions{Force: true}); err != nil {
				s.Fatal(err)
			}
		}
	}
}
