// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/docker/docker/client"
)

const (
	unixScheme = "unix://"
	pipeScheme = "npipe://"
	tcpScheme  = "tcp://"
)

// checkScheme refuses an address that names a socket or a pipe without its scheme. The docker command takes it for the name of
// a TCP host, and nobody answers there. The source is where the address comes from.
func checkScheme(source, host string) error {
	if intended := withScheme(strings.TrimSpace(host)); intended != "" {
		return fmt.Errorf("%s %q has no scheme: use %s", source, host, intended)
	}
	return nil
}

// withScheme returns the address that a path means, and nothing if the address is no path.
func withScheme(host string) string {
	if strings.Contains(host, "://") {
		return ""
	}
	pipe := strings.ReplaceAll(host, `\`, "/")
	path, hasScheme := strings.CutPrefix(host, "unix:")
	switch {
	case strings.HasPrefix(pipe, "//./pipe/"):
		return pipeScheme + pipe
	case strings.HasPrefix(pipe, "npipe:"):
		return pipeScheme + "//" + strings.TrimLeft(strings.TrimPrefix(pipe, "npipe:"), "/")
	case hasScheme && strings.Contains(path, "/"), strings.HasPrefix(path, "/"), strings.HasPrefix(path, "./"), strings.HasPrefix(path, "../"), isSocket(path):
		if absolute, err := filepath.Abs(path); err == nil {
			path = absolute
		}
		return unixScheme + path
	case strings.HasPrefix(path, "~"):
		return unixScheme + "/path/of/docker.sock"
	}
	return ""
}

func isSocket(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Type() == os.ModeSocket
}

// noSocket says why nobody listens at the path of a socket, and nothing if the path is not at fault.
func noSocket(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return ", which is a directory"
	}
	if !filepath.IsAbs(path) {
		return ", which is a relative path: did you mean " + unixScheme + "/" + path + "?"
	}
	return ""
}

// tlsFaults are what is wrong between a client and a server that do not agree on TLS, by words of the error that results.
var tlsFaults = []struct {
	words []string
	fault string
	// remedy is for the environment, and contextRemedy for a docker context.
	remedy, contextRemedy string
}{
	{
		[]string{"HTTP request to an HTTPS server", "HTTP request was sent to HTTPS port", `malformed HTTP response "\x15`},
		"speaks TLS",
		"set " + client.EnvTLSVerify + "=1 and " + client.EnvOverrideCertPath + ", or use a docker context with its certificates",
		"add ca, cert and key with docker context update",
	},
	{
		[]string{"server gave HTTP response to HTTPS client", "first record does not look like a TLS handshake"},
		"does not speak TLS",
		"unset " + client.EnvTLSVerify + " and " + tlsEnv + ", or use its port for TLS",
		"use a docker context without certificates, or its port for TLS",
	},
	{
		[]string{"tls: certificate required", "tls: bad certificate", "tls: handshake failure", "tls: unknown certificate authority"},
		"refuses this client's certificate, or the lack of one",
		"put cert.pem and key.pem that it trusts into " + client.EnvOverrideCertPath,
		"add cert and key that it trusts with docker context update",
	},
	{
		[]string{"certificate signed by unknown authority", "certificate has expired"},
		"has a certificate that cannot be trusted",
		"correct ca.pem in " + client.EnvOverrideCertPath + ", or renew the engine's certificate",
		"correct ca with docker context update, or renew the engine's certificate",
	},
}

// tlsFault says what an error means if client and engine do not agree on TLS, and the way out. It returns nil if they do.
func (e *endpoint) tlsFault(err error) error {
	if !strings.HasPrefix(e.docker.Host, tcpScheme) {
		return nil
	}
	text := err.Error()
	for _, known := range tlsFaults {
		for _, words := range known.words {
			if !strings.Contains(text, words) {
				continue
			}
			remedy := known.remedy
			if e.context != defaultContext {
				remedy = known.contextRemedy
			}
			return fmt.Errorf("the container engine at %s %s: %s", e, known.fault, remedy)
		}
	}
	return nil
}
