// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"errors"
	"fmt"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/types"
	"github.com/docker/docker/api/types/registry"
	"github.com/spf13/cobra"
)

// dockerHub is the domain of Docker Hub in references, and dockerHubKey is its key in docker's configuration.
const (
	dockerHub    = "docker.io"
	dockerHubKey = "https://index.docker.io/v1/"
)

// registryAuth returns the user's credentials for the registry of an image as the header X-Registry-Auth takes them. They
// come from where docker keeps them: its configuration, or the credential helper that this names. The header is "" if
// there are none. As with docker, a problem keeps nobody from images that need no credentials: it is a warning. Warnings
// leave out what a helper said, because that may be secret.
func (p *plugin) registryAuth(image reference.Named) (header string) {
	domain := reference.Domain(image)
	key := domain
	if domain == dockerHub {
		key = dockerHubKey
	}
	found, err := config.LoadDefaultConfigFile(p.ErrOut).GetAuthConfig(key)
	if err != nil {
		fmt.Fprintf(p.ErrOut, "warning: the credential helper that your docker configuration names has failed, so %s gets no credentials\n", domain)
		return ""
	}
	if isEmpty(found) {
		return ""
	}
	header, err = registry.EncodeAuthConfig(registry.AuthConfig{
		Username: found.Username, Password: found.Password, Auth: found.Auth, ServerAddress: found.ServerAddress,
		IdentityToken: found.IdentityToken, RegistryToken: found.RegistryToken,
	})
	if err != nil {
		return "" // strings always have a form in JSON
	}
	return header
}

func isEmpty(found types.AuthConfig) bool {
	return found.Username == "" && found.Password == "" && found.Auth == "" && found.IdentityToken == "" && found.RegistryToken == ""
}

// newLoginCommand returns a command that sends users of docker login to docker.
func newLoginCommand() *cobra.Command {
	return &cobra.Command{
		Use:                "login",
		Short:              "Says how to log in to a registry",
		Long:               "Says how to log in to a registry: with docker login. pull and push take the credentials from docker's configuration.",
		GroupID:            groupOthers,
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true}, // those of docker login
		ValidArgsFunction:  cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("log in with docker login: kubectl engine takes the credentials from docker's configuration and its credential helpers")
		},
	}
}
