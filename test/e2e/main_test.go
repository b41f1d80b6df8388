// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package e2e uses the real server of a real Docker Engine through kubectl, as users do.
package e2e

import (
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

func TestMain(m *testing.M) {
	os.Exit(engine.Main(testserver.Serving{Tests: m, Engine: &docker, Server: &server}, &docker))
}

func withEachKubectl(t *testing.T, run func(t *testing.T, k kubectl.Kubectl)) {
	kubectl.Each(t, server.Kubeconfig, run)
}

func anyKubectl(t *testing.T) kubectl.Kubectl {
	t.Helper()
	return kubectl.Any(t, server.Kubeconfig)
}
