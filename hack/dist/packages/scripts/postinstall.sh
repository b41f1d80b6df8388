#!/bin/sh
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# dpkg calls this with "configure" and the version before, rpm with the number of installed versions.
set -e

if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers engine-apiserver.conf
fi
case "$1,$2" in
configure, | 1,)
	echo "engine-apiserver does not run yet. To run it for yourself: systemctl --user enable --now engine-apiserver"
	echo "To run it for the machine: sudo systemctl enable --now engine-apiserver"
	;;
esac
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart engine-apiserver.service
fi
