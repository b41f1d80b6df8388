// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"

	generatedopenapi "github.com/rancher-sandbox/engine-apiserver/pkg/generated/openapi"
)

const openAPITitle = "engine-apiserver"

func setOpenAPI(config *genericapiserver.Config) {
	namer := openapi.NewDefinitionNamer(Scheme)
	if config.OpenAPIConfig == nil {
		config.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(generatedopenapi.GetOpenAPIDefinitions, namer)
		config.OpenAPIConfig.Info.Title = openAPITitle
	}
	if config.OpenAPIV3Config == nil {
		config.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(generatedopenapi.GetOpenAPIDefinitions, namer)
		config.OpenAPIV3Config.Info.Title = openAPITitle
	}
}
