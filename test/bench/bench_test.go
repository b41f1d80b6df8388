// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bench_test measures the server beside the Docker Engine that it shows, both in the same moments.
package bench_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned"
	typed "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// Benchmark measures in rounds of a fixed number: what it does to an engine takes too long for the number to be found.
func Benchmark(b *testing.B) {
	eng, err := engine.Start()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := eng.Stop(); err != nil {
			b.Error(err)
		}
	})
	server := testserver.Start(b, eng.Host())
	clients, err := versioned.NewForConfig(server.Config(b))
	if err != nil {
		b.Fatal(err)
	}
	s := setting{engine: eng, client: clients.ContainersV1alpha1()}
	changes, reads := newTable("from a call's return to its event"), newTable("live reads beside inspect and list")
	b.Run("change to watcher", func(b *testing.B) { s.changes(b, changes) })
	b.Run("reads", func(b *testing.B) { s.reads(b, reads) })
	fmt.Fprint(os.Stdout, changes, reads)
}

type setting struct {
	engine *engine.Engine
	client typed.ContainersV1alpha1Interface
}
