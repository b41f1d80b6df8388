#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Looks for known vulnerabilities in what the packages call: vuln.sh PACKAGE... $GOVULNDB names another database.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0
output=$(go tool -modfile hack/tools/go.mod govulncheck "$@" 2>&1) || status=$?
echo "$output"
if [ "$status" != 0 ] && grep -q '^govulncheck: fetching vulnerabilities' <<<"$output"; then
	echo "vuln.sh: error: the database ${GOVULNDB:-https://vuln.go.dev} cannot be reached, so that nothing was checked: name a copy in GOVULNDB" >&2
fi
exit "$status"
