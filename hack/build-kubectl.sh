#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Builds the kubectl for tests: build-kubectl.sh FILE
set -euo pipefail

file=$(realpath -m "$1")
cd "$(dirname "$0")/../test/kubectl"

minor=$(go list -m -f '{{.Version}}' k8s.io/kubectl) # v0.37.2 is kubectl v1.37.2
version=k8s.io/component-base/version
go build -trimpath -o "$file" -ldflags "-s -w
	-X $version.gitVersion=v1${minor#v0} -X $version.gitMajor=1 -X $version.gitMinor=$(cut -d. -f2 <<<"$minor")" .
