#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Builds the newest Docker Engine that is published as Go modules, for tests and benchmarks: build-engine.sh DIRECTORY
set -euo pipefail

mkdir -p "$1"
export GOBIN
GOBIN=$(realpath "$1")

"$(dirname "$0")/install-prerequisites.sh"
[ -e /usr/include/seccomp.h ] || "$(dirname "$0")/apt-install.sh" libseccomp-dev

moby=v2.0.0-beta.24 containerd=v2.4.2 runc=v1.5.1
CGO_ENABLED=0 go install -trimpath -ldflags "-X github.com/moby/moby/v2/dockerversion.Version=${moby#v}" \
	github.com/moby/moby/v2/cmd/{dockerd,docker-proxy}@$moby
CGO_ENABLED=0 go install -trimpath github.com/containerd/containerd/v2/cmd/{containerd,containerd-shim-runc-v2}@$containerd
CGO_ENABLED=1 go install -trimpath -tags seccomp github.com/opencontainers/runc@$runc
