// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"maps"
	"net/http"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/mux"
	"k8s.io/apiserver/pkg/server/routes"
	"k8s.io/kube-openapi/pkg/common"

	generatedopenapi "github.com/rancher-sandbox/engine-apiserver/pkg/generated/openapi"
)

const (
	openAPITitle  = "engine-apiserver"
	openAPIV2Path = "/openapi/v2"
	openAPIV3Path = "/openapi/v3"
)

// SetOpenAPI sets the configuration of the OpenAPI documents that is not set yet. The documents describe the API group,
// and other kinds that the server serves, given by their definitions and schemes. serveOpenAPI builds the documents.
func SetOpenAPI(config *genericapiserver.Config, others common.GetOpenAPIDefinitions, schemes ...*runtime.Scheme) {
	config.SkipOpenAPIInstallation = true
	definitions := func(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
		all := generatedopenapi.GetOpenAPIDefinitions(ref)
		if others != nil {
			maps.Copy(all, others(ref))
		}
		return all
	}
	namer := openapi.NewDefinitionNamer(append(schemes, Scheme)...)
	if config.OpenAPIConfig == nil {
		config.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(definitions, namer)
		config.OpenAPIConfig.Info.Title = openAPITitle
	}
	if config.OpenAPIV3Config == nil {
		config.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(definitions, namer)
		config.OpenAPIV3Config.Info.Title = openAPITitle
	}
}

// serveOpenAPI serves the documents that the generic server would serve. It builds them at the first request for them.
// Most runs of a server get no such request, and building the documents takes a good part of a start.
func serveOpenAPI(server *genericapiserver.GenericAPIServer, config genericapiserver.CompletedConfig) {
	documents, services := server.Handler.NonGoRestfulMux, server.Handler.GoRestfulContainer
	documents.Handle(openAPIV2Path, onceAsked(func(m *mux.PathRecorderMux) {
		routes.OpenAPI{Config: config.OpenAPIConfig}.InstallV2(services, m)
	}))
	v3 := onceAsked(func(m *mux.PathRecorderMux) {
		routes.OpenAPI{V3Config: config.OpenAPIV3Config}.InstallV3(services, m)
	})
	documents.Handle(openAPIV3Path, v3)
	documents.HandlePrefix(openAPIV3Path+"/", v3)
}

// onceAsked returns a handler that installs its own handlers at the first request.
func onceAsked(install func(*mux.PathRecorderMux)) http.Handler {
	handler := sync.OnceValue(func() http.Handler {
		m := mux.NewPathRecorderMux("openapi")
		install(m)
		return m
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler().ServeHTTP(w, r) })
}
