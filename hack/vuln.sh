#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Checks whether the packages call code with known vulnerabilities: vuln.sh PACKAGE... GOVULNDB sets another database.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0
output=$(go tool -modfile hack/tools/go.mod govulncheck "$@" 2>&1) || status=$?
echo "$output"
if [ "$status" != 0 ] && grep -q '^govulncheck: fetching vulnerabilities' <<<"$output"; then
	echo "vuln.sh: nothing was checked, because the database ${GOVULNDB:-https://vuln.go.dev} cannot be reached: set GOVULNDB to a copy" >&2
fi
exit "$status"
