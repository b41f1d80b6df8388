#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Fails if the generated code does not match the API types, or if a type or a field has no description.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/pkg"
cp -R go.mod go.sum hack "$copy"
cp -R pkg/apis pkg/generated "$copy/pkg"
"$copy/hack/update-codegen.sh" >/dev/null

for dir in pkg/apis pkg/generated; do
	if ! diff -Naur "$dir" "$copy/$dir"; then
		echo "verify-codegen.sh: the generated code is out of date: run make generate" >&2
		exit 1
	fi
done
go test -run TestEveryTypeAndFieldIsDescribed ./pkg/apis/containers
