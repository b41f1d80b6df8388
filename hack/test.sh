#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Runs go test with the race detector, then checks the coverage: test.sh [FLAG...] PACKAGE...
set -euo pipefail
cd "$(dirname "$0")/.."

covered=(./pkg/livestore ./pkg/docker)
profile=.cache/coverage.out
mkdir -p .cache

export KUBERNETES_BIN=$PWD/bin/kubernetes KUBECTL=$PWD/bin/kubernetes/kubectl
(
	IFS=,
	# Nobody debugs these programs: without tables for that they are linked faster.
	exec go test -race -vet=off -ldflags '-s -w' -timeout 12m -covermode atomic -coverpkg "${covered[*]}" -coverprofile "$profile" "$@"
)
if [ "${*: -1}" = ./... ]; then
	hack/coverage.sh "$profile" 85 "${covered[@]}"
fi
