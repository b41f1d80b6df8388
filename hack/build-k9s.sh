#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Builds k9s from its Go modules, and installs the terminal that its tests drive it in: build-k9s.sh DIRECTORY
set -euo pipefail

mkdir -p "$1"
export GOBIN
GOBIN=$(realpath "$1")

for tool in tmux less; do
	command -v $tool >/dev/null || "$(dirname "$0")/apt-install.sh" $tool
done
k9s=v0.50.16
CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' github.com/derailed/k9s@$k9s
