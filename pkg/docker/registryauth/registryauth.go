// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package registryauth finds the credentials for a registry in a docker configuration, and writes them as Docker takes them.
package registryauth

import (
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/docker/api/types/registry"
)

// dockerHub is the domain of the references of Docker Hub, and dockerHubKey is its key in a docker configuration.
const (
	dockerHub    = "docker.io"
	dockerHubKey = "https://index.docker.io/v1/"
)

// Find returns the credentials that a docker configuration has for a registry, or empty ones. domain is the domain of an
// image reference. Find asks the credential helper that the configuration names.
func Find(file *configfile.ConfigFile, domain string) (registry.AuthConfig, error) {
	key := domain
	if domain == dockerHub {
		key = dockerHubKey
	}
	auth, err := file.GetAuthConfig(key)
	if err != nil {
		return registry.AuthConfig{}, err
	}
	return registry.AuthConfig{
		Username: auth.Username, Password: auth.Password, Auth: auth.Auth, ServerAddress: auth.ServerAddress,
		IdentityToken: auth.IdentityToken, RegistryToken: auth.RegistryToken,
	}, nil
}

// IsEmpty reports whether there is nothing in the credentials that a registry could check.
func IsEmpty(auth registry.AuthConfig) bool {
	return auth.Username == "" && auth.Password == "" && auth.Auth == "" && auth.IdentityToken == "" && auth.RegistryToken == ""
}

// Header returns the credentials as Docker takes them in the header X-Registry-Auth.
func Header(auth registry.AuthConfig) string {
	encoded, err := registry.EncodeAuthConfig(auth)
	if err != nil {
		return "" // strings always have a form in JSON
	}
	return encoded
}
