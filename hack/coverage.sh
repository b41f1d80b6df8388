#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Prints the test coverage of each package, and fails unless it is over MIN percent: coverage.sh PROFILE MIN PACKAGE...
set -euo pipefail
cd "$(dirname "$0")/.."

profile=$1 min=$2
shift 2

# The profile has each block once for each test binary. A block is covered if one of the binaries has run it.
status=0
for package in $(go list "$@"); do
	awk -v package="$package" -v min="$min" '
		{ file = $1; sub(/:[^:]*$/, "", file); dir = file; sub(/\/[^\/]*$/, "", dir) }
		dir != package || file ~ /\/zz_generated/ { next }
		{ statements[$1] = $2; if ($3 > 0) covered[$1] = $2 }
		END {
			for (block in statements) all += statements[block]
			for (block in covered) hit += covered[block]
			percent = all ? 100 * hit / all : 0
			printf "coverage of %s: %.1f%% of %d statements (must be over %d%%)\n", package, percent, all, min
			exit !(percent > min)
		}' "$profile" || status=1
done
exit "$status"
