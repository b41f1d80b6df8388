// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package dockertest

import (
	"testing"

	"github.com/docker/cli/cli/config"
	dockercontext "github.com/docker/cli/cli/context"
	contextdocker "github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"
)

// Home gives the test its own directory and environment variables for the docker command. It returns the directory.
func Home(t *testing.T) string {
	t.Helper()
	before := config.Dir()
	dir := t.TempDir()
	config.SetDir(dir)
	t.Cleanup(func() { config.SetDir(before) })
	for _, name := range []string{"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"} {
		t.Setenv(name, "")
	}
	return dir
}

// AddContext does the same as docker context create.
func AddContext(t *testing.T, name, host string, tls *dockercontext.TLSData) {
	t.Helper()
	contexts := store.New(config.ContextStoreDir(), store.NewConfig(func() any { return &map[string]any{} },
		store.EndpointTypeGetter(contextdocker.DockerEndpoint, func() any { return &contextdocker.EndpointMeta{} })))
	Must(t, contexts.CreateOrUpdate(store.Metadata{Name: name, Endpoints: map[string]any{
		contextdocker.DockerEndpoint: contextdocker.EndpointMeta{Host: host}}}))
	if tls != nil {
		Must(t, contexts.ResetEndpointTLSMaterial(name, contextdocker.DockerEndpoint, tls.ToStoreTLSData()))
	}
}
