// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"errors"
	"fmt"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config"
	"github.com/spf13/cobra"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/registryauth"
)

// registryAuth returns the user's credentials for the registry of an image as the header X-Registry-Auth takes them. They
// come from where docker keeps them: its configuration, or the credential helper that this names. It returns "" if there are
// none. As with docker, a problem is only a warning, because some images need no credentials. Warnings leave out what a
// helper said, because that may be secret.
func (p *plugin) registryAuth(image reference.Named) string {
	domain := reference.Domain(image)
	found, err := registryauth.Find(config.LoadDefaultConfigFile(p.ErrOut), domain)
	if err != nil {
		fmt.Fprintf(p.ErrOut, "warning: the credential helper that your docker configuration names has failed, so %s gets no credentials\n", domain)
		return ""
	}
	if registryauth.IsEmpty(found) {
		return ""
	}
	return registryauth.Header(found)
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
