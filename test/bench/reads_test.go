// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"cmp"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

const (
	getRounds  = 500
	listRounds = 100
	containers = 100
)

// reads times reads of Docker and of the server by turns.
func (s setting) reads(b *testing.B, table *table) {
	client, docker := s.client.Containers(testserver.Namespace), s.engine.Client()
	name := engine.UniqueName("read")
	s.engine.Run(b, name)
	for range containers - 1 {
		s.engine.Create(b, engine.UniqueName("read"))
	}
	for b.Loop() {
		for range getRounds {
			compare(b, table, "live get", func() error {
				_, err := docker.ContainerInspect(b.Context(), name)
				return err
			}, func() error {
				_, err := client.Get(b.Context(), name, metav1.GetOptions{})
				return err
			})
		}
		for range listRounds {
			compare(b, table, "live list of 100", func() error {
				_, err := docker.ContainerList(b.Context(), container.ListOptions{All: true})
				return err
			}, func() error {
				_, err := client.List(b.Context(), metav1.ListOptions{})
				return err
			})
		}
	}
	table.report(b)
}

func compare(b *testing.B, table *table, name string, docker, server func() error) {
	begin := time.Now()
	dockerErr := docker()
	between := time.Now()
	serverErr := server()
	end := time.Now()
	if err := cmp.Or(dockerErr, serverErr); err != nil {
		b.Fatal(err)
	}
	table.add(name, between.Sub(begin), end.Sub(between))
}
