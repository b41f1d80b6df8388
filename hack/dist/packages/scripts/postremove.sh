#!/bin/sh
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# dpkg calls this with "remove", "purge" or "upgrade", rpm with the number of versions that stay.
set -e

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
if [ "$1" = purge ]; then
	rm -rf /var/lib/engine-apiserver /var/lib/private/engine-apiserver
fi
