#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Installs the programs that the tests need, if they are missing: Docker, a C compiler for Go's race detector, Prometheus and Node.js.
set -euo pipefail

hack=$(dirname "$0")
"$hack/install-docker.sh"
command -v gcc >/dev/null || "$hack/apt-install.sh" gcc libc6-dev
command -v prometheus >/dev/null || "$hack/apt-install.sh" prometheus

# Node.js runs the tests with the Kubernetes client for JavaScript.
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
	"$hack/apt-install.sh" nodejs npm
fi
