// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package e2e uses the real server of a real Docker Engine through kubectl, as users do.
package e2e

import (
	"fmt"
	"os"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

var (
	docker *engine.Engine
	server *testserver.Server
)

func TestMain(m *testing.M) { os.Exit(engine.Main(serving{m}, &docker)) }

// serving runs the tests with a server for the engine.
type serving struct{ *testing.M }

func (s serving) Run() int {
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		return failed(err)
	}
	defer os.RemoveAll(dir)
	if server, err = testserver.Run(dir, docker.Host()); err != nil {
		return failed(err)
	}
	code := s.M.Run()
	if err := server.Stop(); err != nil {
		return failed(err)
	}
	return code
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func withEachKubectl(t *testing.T, run func(t *testing.T, k kubectl.Kubectl)) {
	kubectl.Each(t, server.Kubeconfig, run)
}

func anyKubectl(t *testing.T) kubectl.Kubectl {
	t.Helper()
	return kubectl.Any(t, server.Kubeconfig)
}
