#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Installs the programs that the tests need, if they are missing: Docker, and a C compiler for Go's race detector.
set -euo pipefail

hack=$(dirname "$0")
"$hack/install-docker.sh"
command -v gcc >/dev/null || "$hack/apt-install.sh" gcc libc6-dev
