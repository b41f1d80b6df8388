#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Runs go test with the race detector: test.sh [FLAG...] PACKAGE... If the last package is ./..., it also checks the coverage.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t covered < <(go list ./pkg/livestore ./pkg/docker/... | grep -v test$)
profile=.cache/coverage.out
mkdir -p .cache

export KUBERNETES_BIN=$PWD/bin/kubernetes KUBECTL=$PWD/bin/kubernetes/kubectl

# The test binaries are linked without debugging tables, which is faster. Every run builds for coverage, because otherwise Go would
# compile the packages a second time.
tests() {
	go test -race -vet=off -ldflags '-s -w' -timeout 1h -covermode atomic -coverpkg "$(IFS=,; echo "${covered[*]}")" "$@"
}

if [ "${*: -1}" != ./... ]; then
	tests "$@"
	exit
fi
flags=("${@:1:$#-1}")
# The longest packages come first, so that none of them runs alone at the end.
longest=(./test/plugin ./test/e2e/aggregated ./test/hostile ./test/install ./test/e2e/registration ./test/e2e ./test/sessions
	./pkg/docker ./test/streams ./test/e2e/embedded ./test/outage ./test/clients ./test/bench ./test/engine
	./test/leastprivilege ./pkg/livestore ./pkg/apiserver ./pkg/cmd/server ./test/controlplane)
mapfile -t packages < <({ go list "${longest[@]}"; go list ./...; } | grep -v '/test/robustness$' | awk '!seen[$0]++')
# Run more packages at once than there are processors: many tests mostly wait for engines and clusters.
tests -p $(($(getconf _NPROCESSORS_ONLN) * 5 / 2)) -coverprofile "$profile" "${flags[@]}" "${packages[@]}"
# The robustness tests are sensitive to delays, so they run alone.
tests "${flags[@]}" ./test/robustness
# What builds releases is a module of its own. test/install has compiled it, without the race detector.
(cd hack/dist && go test -vet=off "${flags[@]}" ./...)
hack/coverage.sh "$profile" 85 "${covered[@]}"
