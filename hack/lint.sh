#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Runs every check and ends at the first failure.
set -euo pipefail
cd "$(dirname "$0")/.."

# The steps choose flags themselves. Only the last step uses GOFLAGS of the Makefile.
flags=${GOFLAGS:-}
export GOFLAGS=

step() { echo "==> $*"; }

mapfile -t files < <(git ls-files --cached --others --exclude-standard | while read -r file; do [ ! -e "$file" ] || echo "$file"; done)
mapfile -t go_files < <(printf '%s\n' "${files[@]}" | grep '\.go$')

step gofmt
unformatted=$(gofmt -l "${go_files[@]}")
if [ -n "$unformatted" ]; then
	echo "lint.sh: not formatted: run gofmt -w on:" "$unformatted" >&2
	exit 1
fi

step headers
bad=0
for file in "${files[@]}"; do
	case $file in
	*.go | *.sh | *.txt | *.yaml | Makefile | .ci/* | artifacts/completion/*)
		if ! head -n 5 "$file" | grep -A1 -E '^(//|#|@rem) Copyright The engine-apiserver Authors\.$' | grep -qE '^(//|#|@rem) SPDX-License-Identifier: Apache-2\.0$'; then
			echo "$file: no copyright and license header" >&2
			bad=1
		fi
		;;
	esac
done
[ "$bad" = 0 ]

step go.mod
for module in . hack/dist hack/dist/pages test/embedded test/informer031 test/registry/server; do
	(cd "$module" && go mod tidy -diff)
done

step go vet
go vet ./...
go vet -tags k9s ./test/k9s
(cd test/informer031 && go vet ./...)
(cd test/embedded && go vet ./...)
(cd test/registry/server && go vet ./...)
(cd hack/dist && go vet ./...)
(cd hack/dist/pages && go vet ./...)

step staticcheck
mapfile -t packages < <(go list ./... | grep -v /pkg/generated/)
go tool -modfile hack/tools/go.mod staticcheck "${packages[@]}"

step generated code
hack/verify-codegen.sh

step build for every platform
hack/cross-build.sh

step methods called by name
program=$(mktemp)
trap 'rm -f "$program"' EXIT
by_name=$(GOFLAGS=$flags CGO_ENABLED=0 go build -trimpath -ldflags=-dumpdep -o "$program" ./cmd/engine-apiserver 2>&1 | sed -n '/<ReflectMethod>/{s/ .*//;p}' | sort -u)
if [ -n "$by_name" ]; then
	echo "lint.sh: these functions call methods by name, so the linker keeps every method of every type, a third of the program; see GOFLAGS in the Makefile:" $by_name >&2
	exit 1
fi
