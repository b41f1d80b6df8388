// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net/http"
	"strings"

	"k8s.io/apiserver/pkg/server/healthz"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker"
)

// EngineCheck is the name of the readiness check that says whether the container engine answers.
const EngineCheck = "container-engine"

// engineCheck fails on its own path while the engine does not answer, and as a part of readiness where it counts. It
// does not count by default: a server that is not ready breaks discovery for a whole cluster.
type engineCheck struct {
	engine *docker.Engine
	counts bool
}

var _ healthz.HealthChecker = engineCheck{}

// Name implements healthz.HealthChecker.
func (engineCheck) Name() string { return EngineCheck }

// Check implements healthz.HealthChecker.
func (c engineCheck) Check(request *http.Request) error {
	if c.counts || strings.HasSuffix(request.URL.Path, "/"+EngineCheck) {
		return c.engine.Check()
	}
	return nil
}
