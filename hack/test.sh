#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Runs go test with the race detector, and after all tests checks the coverage: test.sh [FLAG...] PACKAGE...
set -euo pipefail
cd "$(dirname "$0")/.."

covered=(./pkg/livestore ./pkg/docker)
profile=.cache/coverage.out
mkdir -p .cache

export KUBERNETES_BIN=$PWD/bin/kubernetes KUBECTL=$PWD/bin/kubernetes/kubectl

# Nobody debugs these programs: without tables for that they are linked faster. All are built for coverage, lest packages are
# compiled twice.
tests() {
	go test -race -vet=off -ldflags '-s -w' -timeout 12m -covermode atomic -coverpkg "$(IFS=,; echo "${covered[*]}")" "$@"
}

if [ "${*: -1}" != ./... ]; then
	tests "$@"
	exit
fi
flags=("${@:1:$#-1}")
# The longest come first: none of them is left to run by itself in the end.
longest=(./test/e2e/registration ./test/e2e ./test/e2e/aggregated ./test/hostile
	./pkg/docker ./test/e2e/embedded ./test/outage ./test/clients ./test/bench ./test/engine
	./test/leastprivilege ./pkg/livestore ./pkg/apiserver ./pkg/cmd/server ./test/controlplane)
mapfile -t packages < <({ go list "${longest[@]}"; go list ./...; } | grep -v '/test/robustness$' | awk '!seen[$0]++')
# Many of these tests wait for engines and clusters most of the time.
tests -p $(($(getconf _NPROCESSORS_ONLN) * 2)) -coverprofile "$profile" "${flags[@]}" "${packages[@]}"
# This one judges what comes late: it has the machine for itself.
tests "${flags[@]}" ./test/robustness
hack/coverage.sh "$profile" 85 "${covered[@]}"
