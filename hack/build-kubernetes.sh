#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Builds the Kubernetes programs for tests, and the example of a control plane that embeds the server: build-kubernetes.sh DIRECTORY
set -euo pipefail

mkdir -p "$1"
directory=$(realpath "$1")
cd "$(dirname "$0")/../test/embedded"

kubernetes=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
minor=$(cut -d. -f2 <<<"$kubernetes")
version=k8s.io/component-base/version
flags=(-trimpath -ldflags "-s -w -X $version.gitVersion=$kubernetes -X $version.gitMajor=1 -X $version.gitMinor=$minor")

go build "${flags[@]}" -o "$directory/" \
	k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kubectl ./controllers .
go build "${flags[@]}" -o "$directory/etcd" go.etcd.io/etcd/server/v3
