#!/bin/sh
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# dpkg calls this with "remove" or "upgrade", rpm with the number of versions that stay.
set -e

case "$1" in
remove | 0)
	if command -v systemctl >/dev/null; then
		systemctl --no-reload disable engine-apiserver.service || true
	fi
	if [ -d /run/systemd/system ]; then
		systemctl stop engine-apiserver.service || true
	fi
	;;
esac
