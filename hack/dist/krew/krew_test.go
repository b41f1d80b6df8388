// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package krew

import (
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/hack/dist/program"
)

func TestTheManifestHasAnArchiveForEachPlatform(t *testing.T) {
	got, err := Manifest("v0.2.0", "https://example.com", []Archive{
		{program.Platform{OS: "linux", Arch: "arm64"}, "https://example.com/v0.2.0/a.tar.gz", "12ab"},
		{program.Platform{OS: "windows", Arch: "amd64"}, "https://example.com/v0.2.0/b.zip", "34cd"},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: engine
spec:
  caveats: |
    kubectl completes the command lines of the plugin if kubectl_complete-engine, which is beside the plugin, is in a
    directory of your $PATH.
  description: |
    Has docker's commands, flags and output: run, ps, logs, exec, attach, cp, port-forward, pull, push and others. It works
    through the Kubernetes API, against an engine-apiserver that serves a Docker Engine alone or behind a cluster.
  homepage: https://example.com
  platforms:
  - bin: kubectl-engine
    selector:
      matchLabels:
        arch: arm64
        os: linux
    sha256: 12ab
    uri: https://example.com/v0.2.0/a.tar.gz
  - bin: kubectl-engine.exe
    selector:
      matchLabels:
        arch: amd64
        os: windows
    sha256: 34cd
    uri: https://example.com/v0.2.0/b.zip
  shortDescription: Look after containers of a Docker Engine
  version: v0.2.0
`
	if string(got) != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
