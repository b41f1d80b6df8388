// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package krew writes the manifest by which krew, the manager of kubectl plugins, installs the plugin.
package krew

import (
	"sigs.k8s.io/yaml"

	"github.com/rancher-sandbox/engine-apiserver/hack/dist/program"
)

// Archive is an archive with the plugin for one platform.
type Archive struct {
	Platform program.Platform
	URL      string
	SHA256   string // in hexadecimal digits
}

type manifest struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   map[string]string `json:"metadata"`
	Spec       spec              `json:"spec"`
}

type spec struct {
	Version          string     `json:"version"`
	Homepage         string     `json:"homepage"`
	ShortDescription string     `json:"shortDescription"`
	Description      string     `json:"description"`
	Caveats          string     `json:"caveats"`
	Platforms        []platform `json:"platforms"`
}

type platform struct {
	Selector selector `json:"selector"`
	URI      string   `json:"uri"`
	SHA256   string   `json:"sha256"`
	Bin      string   `json:"bin"`
}

type selector struct {
	MatchLabels map[string]string `json:"matchLabels"`
}

const (
	description = `Has docker's commands, flags and output: run, ps, logs, exec, attach, cp, port-forward, pull, push and others. It works
through the Kubernetes API, against an engine-apiserver that serves a Docker Engine alone or behind a cluster.
`
	caveats = `kubectl completes the command lines of the plugin if kubectl_complete-engine, which is beside the plugin, is in a
directory of your $PATH.
`
)

// Manifest returns the manifest of the plugin engine. krew takes the program's whole archive.
func Manifest(version, homepage string, archives []Archive) ([]byte, error) {
	m := manifest{
		APIVersion: "krew.googlecontainertools.github.com/v1alpha2", Kind: "Plugin",
		Metadata: map[string]string{"name": "engine"}, // as the file, and as in kubectl engine
		Spec: spec{
			Version: version, Homepage: homepage,
			ShortDescription: "Look after containers of a Docker Engine",
			Description:      description, Caveats: caveats,
		},
	}
	for _, archive := range archives {
		m.Spec.Platforms = append(m.Spec.Platforms, platform{
			Selector: selector{map[string]string{"os": archive.Platform.OS, "arch": archive.Platform.Arch}},
			URI:      archive.URL, SHA256: archive.SHA256, Bin: archive.Platform.Executable("kubectl-engine"),
		})
	}
	return yaml.Marshal(m)
}
