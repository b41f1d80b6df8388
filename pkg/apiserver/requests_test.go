// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"encoding/base64"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/emicklei/go-restful/v3"
	genericapiserver "k8s.io/apiserver/pkg/server"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry/credentials"
)

func TestCredentialsForRegistriesAreTakenOutOfEveryRequest(t *testing.T) {
	given := base64.URLEncoding.EncodeToString([]byte(`{"username":"someone","password":"hunter2"}`))
	for chain, build := range map[string]func(http.Handler, *genericapiserver.Config) http.Handler{
		"its own": NewGenericConfig().BuildHandlerChainFunc, "another program's": genericapiserver.DefaultBuildHandlerChain,
	} {
		config := Config{GenericConfig: newTestConfig(), ExtraConfig: ExtraConfig{
			Engine: docker.Options{Host: "unix://" + filepath.Join(t.TempDir(), "docker.sock")},
		}}
		config.GenericConfig.BuildHandlerChainFunc = build
		server, err := config.Complete().New(genericapiserver.NewEmptyDelegate())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.GenericAPIServer.Destroy)
		var header http.Header
		var found credentials.Credentials
		service := new(restful.WebService).Path("/apis/probe")
		service.Route(service.GET("/").To(func(r *restful.Request, _ *restful.Response) {
			header = r.Request.Header
			found, err = credentials.Finder{}.Find(r.Request.Context(), nil, "registry.example")
		}))
		server.GenericAPIServer.Handler.GoRestfulContainer.Add(service)
		status, body := do(t, serve(t, server.GenericAPIServer), http.MethodGet, "/apis/probe/", "", "X-Registry-Auth: "+given)
		check(t, status, body, http.StatusOK)
		if err != nil || found.Header() != given || len(header.Values("X-Registry-Auth")) > 0 {
			t.Errorf("through %s chain: %v, and the header is %v", chain, err, header)
		}
	}
}
