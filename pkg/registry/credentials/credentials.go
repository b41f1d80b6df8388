// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package credentials finds the credentials for a registry. They come from the header of the request that needs them,
// from Secrets, or from the docker configuration of the server's user. They are nowhere but in memory, and print as a
// placeholder.
package credentials

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/credentials"
	"github.com/docker/docker/api/types/registry"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/registryauth"
)

// Credentials are the credentials for one registry, or none.
type Credentials struct{ auth registry.AuthConfig }

// Header returns the credentials as Docker takes them in the header X-Registry-Auth.
func (c Credentials) Header() string { return registryauth.Header(c.auth) }

// Hash tells whether credentials are equal, and nothing else about them.
func (c Credentials) Hash() string {
	sum := sha256.Sum256([]byte(c.Header()))
	return string(sum[:])
}

// String implements fmt.Stringer. It shows nothing of the credentials.
func (c Credentials) String() string { return "[credentials]" }

// GoString implements fmt.GoStringer. It shows nothing of the credentials.
func (c Credentials) GoString() string { return c.String() }

func (c Credentials) isEmpty() bool { return registryauth.IsEmpty(c.auth) }

// Finder finds credentials.
type Finder struct {
	// Secrets reads Secrets. It is nil for a server without a cluster.
	Secrets *Secrets
	// DockerConfig allows the docker configuration of the server's user.
	DockerConfig bool
}

// Find returns the credentials for a registry, given by the domain of an image reference. ctx is that of the request.
// Its errors are API errors.
func (f Finder) Find(ctx context.Context, secrets []string, domain string) (Credentials, error) {
	found, err := fromHeader(ctx)
	if err != nil || !found.isEmpty() {
		return found, err
	}
	for i, name := range secrets {
		content, err := f.Secrets.get(ctx, i, name)
		if err != nil {
			return Credentials{}, err
		}
		if found, err = inSecret(content, domain); err != nil {
			return Credentials{}, invalidSecret(i, name, "its docker configuration cannot be read")
		}
		if !found.isEmpty() {
			return found, nil
		}
	}
	if !f.DockerConfig {
		return Credentials{}, nil
	}
	if found, err = ofServer(domain); err != nil {
		return Credentials{}, apierrors.NewInternalError(fmt.Errorf("reading the credentials for %s from the docker configuration of the server's user: %w", domain, err))
	}
	return found, nil
}

// decode decodes the header X-Registry-Auth. Docker ignores a header that it cannot decode, so decode refuses it.
func decode(header string) (Credentials, error) {
	// Some clients use the other alphabet of base64, or leave the padding out.
	header = strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(header), "=")
	text, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		return Credentials{}, errors.New("it is not in the encoding base64url")
	}
	var found Credentials
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&found.auth); err != nil {
		return Credentials{}, errors.New("it is no JSON object with the fields of Docker's AuthConfig")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Credentials{}, errors.New("something follows its JSON object")
	}
	return found, nil
}

// inSecret returns the credentials for a registry that the docker configuration of a Secret has. It runs no credential helper: the
// writer of a Secret must not choose which programs the server runs.
func inSecret(content []byte, domain string) (Credentials, error) {
	file := configfile.New("")
	if err := file.LoadFromReader(bytes.NewReader(content)); err != nil {
		return Credentials{}, err
	}
	file.CredentialsStore, file.CredentialHelpers = "", nil
	return of(file, domain)
}

// ofServer returns the credentials that the docker command would use, if the server's user called it.
func ofServer(domain string) (Credentials, error) {
	file, err := config.Load(config.Dir())
	if err != nil {
		return Credentials{}, err
	}
	if !file.ContainsAuth() {
		file.CredentialsStore = credentials.DetectDefaultStore(file.CredentialsStore)
	}
	return of(file, domain)
}

func of(file *configfile.ConfigFile, domain string) (Credentials, error) {
	auth, err := registryauth.Find(file, domain)
	return Credentials{auth}, err
}
