#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Prints the semantic version of this checkout. Without a tag it is v0.0.0 with the commit.
# With "flags VERSION" it prints the linker flags that put a version and the commit into a program.
set -euo pipefail
cd "$(dirname "$0")/.."

version() {
	git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null ||
		echo "v0.0.0-g$(git describe --always --dirty --exclude '*' 2>/dev/null || echo unknown)"
}

stamp() { printf -- '-X k8s.io/component-base/version.%s=%s ' "$1" "$2"; }

if [ "${1:-}" != flags ]; then
	version
	exit
fi
stamp gitVersion "$2"
commit=$(git rev-parse --verify HEAD 2>/dev/null) || exit 0
stamp gitCommit "$commit"
stamp gitTreeState "$([ -z "$(git status --porcelain)" ] && echo clean || echo dirty)"
# As for Kubernetes' own releases, the date is that of the commit: the same source is built to the same program.
stamp buildDate "$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)"
