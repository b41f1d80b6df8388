// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"fmt"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// filled returns the name of the i-th container, and of the i-th volume, that fill the engine.
func filled(i int) string { return fmt.Sprintf("filled-%04d", i) }

// filledImage returns the reference of the i-th image that fills the engine.
func filledImage(i int) string { return fmt.Sprintf("filled/image-%03d:v1", i) }

// someLabels returns as many labels as containers have.
func (s *setting) someLabels() map[string]string {
	labels := map[string]string{}
	for i := range s.labels {
		labels[fmt.Sprintf("com.example.label-%02d", i)] = fmt.Sprintf("value-%02d-of-a-usual-length", i)
	}
	return labels
}

func (s *setting) createContainer(name string) error {
	config := &container.Config{Image: engine.Busybox, Cmd: engine.Stubborn, Labels: s.someLabels()}
	_, err := s.engine.Client().ContainerCreate(s.Context(), config, &container.HostConfig{NetworkMode: "none"}, nil, nil, name)
	return err
}

func (s *setting) createVolume(name string) error {
	_, err := s.engine.Client().VolumeCreate(s.Context(), volume.CreateOptions{Name: name})
	return err
}

func (s *setting) fill(from, to int) {
	eachOf(s, to-from, func(i int) error { return s.createContainer(filled(from + i)) })
	s.stored.load(s, s.server.cluster, "containers")
}

func (s *setting) fillSome() { s.fill(0, s.some) }

func (s *setting) fillContainers() { s.fill(s.some, s.containers) }

// fillRest makes the images and volumes in the engine, and stores the same objects in the control plane.
func (s *setting) fillRest() {
	for i := range s.images {
		s.engine.Image(s, filledImage(i))
	}
	eachOf(s, s.volumes, func(i int) error { return s.createVolume(filled(i)) })
	s.stored.load(s, s.server.cluster, "images")
	s.stored.load(s, s.server.cluster, "volumes")
}
