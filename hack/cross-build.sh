#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Compiles everything for each supported platform, and links the programs of a release once for each system.
set -euo pipefail
cd "$(dirname "$0")/.."

export CGO_ENABLED=0 GOFLAGS GOOS GOARCH
for GOOS in linux darwin windows; do
	GOFLAGS=
	if [ $GOOS = linux ]; then
		GOFLAGS='-trimpath -tags=grpcnotrace' # those of a release, because test/install has compiled most packages with them
	fi
	for GOARCH in amd64 arm64; do
		echo "$GOOS/$GOARCH"
		go list -export ./... >/dev/null # compiles, and unlike go build does not link
	done
	go build -o /dev/null ./cmd/...
done
