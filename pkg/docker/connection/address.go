// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/docker/docker/client"
)

const (
	unixScheme = "unix://"
	pipeScheme = "npipe://"
	tcpScheme  = "tcp://"
)

// malformedScheme matches a scheme that lacks its colon or a slash, such as tcp//host or tcp:/host.
var malformedScheme = regexp.MustCompile(`^(tcp|ssh|https?):?/+(.*)$`)

// checkScheme refuses an address whose scheme is missing or malformed, such as the bare path of a socket. The docker
// command takes such an address for the name of a TCP host, and nothing answers there. The source says where the
// address comes from.
func checkScheme(source, host string) error {
	if intended := withScheme(strings.TrimSpace(host)); intended != "" {
		return fmt.Errorf("%s %q has no valid scheme: use %s", source, withoutSecrets(host), withoutSecrets(intended))
	}
	return nil
}

// withScheme returns the address that host stands for if its scheme is missing or malformed. Otherwise it returns "".
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
	if scheme := malformedScheme.FindStringSubmatch(host); scheme != nil {
		return scheme[1] + "://" + scheme[2]
	}
	return ""
}

func isSocket(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Type() == os.ModeSocket
}

// noSocket says what is wrong with the path of a socket on which no engine listens. It returns "" if nothing is wrong
// with the path.
func noSocket(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return ", which is a directory"
	}
	if !filepath.IsAbs(path) {
		return ", which is a relative path: did you mean " + unixScheme + "/" + path + "?"
	}
	return ""
}

// tlsFaults lists what can be wrong when a client and an engine do not agree on TLS. Words of the resulting error tell
// the faults apart.
var tlsFaults = []struct {
	words []string
	fault string
	// remedy is for an engine that the environment names, and contextRemedy for one that a docker context names.
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

// tlsFault returns what err says about TLS, and how to fix it. It returns nil if TLS is not at fault.
func (e *Endpoint) tlsFault(err error) error {
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
