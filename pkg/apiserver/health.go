// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net/http"
	"strings"

	"k8s.io/apiserver/pkg/server/healthz"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker"
)

// EngineCheck is the name of the readiness check of the container engine.
const EngineCheck = "container-engine"

// engineCheck checks whether the engine answers. It always counts on its own path. It counts for the readiness of the
// server only if counts is set, which is not the default: a server that is not ready breaks discovery for a whole
// cluster. The readiness of the server then also requires that something has been read from the engine.
type engineCheck struct {
	engine *docker.Engine
	counts bool
}

var _ healthz.HealthChecker = engineCheck{}

// Name implements healthz.HealthChecker.
func (engineCheck) Name() string { return EngineCheck }

// Check implements healthz.HealthChecker.
func (c engineCheck) Check(request *http.Request) error {
	switch {
	case strings.HasSuffix(request.URL.Path, "/"+EngineCheck):
		return c.engine.Check()
	case c.counts:
		return c.engine.CheckRead()
	}
	return nil
}
