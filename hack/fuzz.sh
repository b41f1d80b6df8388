#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Fuzzes one target after another: fuzz.sh TIME [PATTERN]. Go writes a failing input to testdata/fuzz beside the target.
set -euo pipefail
cd "$(dirname "$0")/.."

time=$1
pattern=${2:-.}
mapfile -t targets < <(git grep -h --untracked -o -E '^func Fuzz[A-Za-z]+' -- 'pkg/*_fuzz_test.go' | sort | sed 's/^func //' | grep -E "$pattern")
if [ "${#targets[@]}" = 0 ]; then
	echo "fuzz.sh: no target matches $pattern" >&2
	exit 1
fi
for target in "${targets[@]}"; do
	package=./$(dirname "$(git grep -l --untracked "^func $target(" -- pkg)")
	echo "==> $target in $package"
	go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10s -parallel 1 "$package"
done
