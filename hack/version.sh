#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Prints the version of this checkout: a semantic one, whether there is a tag or not.
set -euo pipefail
cd "$(dirname "$0")/.."

git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null ||
	echo "v0.0.0-g$(git describe --always --dirty --exclude '*' 2>/dev/null || echo unknown)"
