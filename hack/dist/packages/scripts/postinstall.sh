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
	# The package is installed even if the service does not start, for example because its port is taken meanwhile.
	systemctl try-restart engine-apiserver.service || echo "engine-apiserver did not start again. See: systemctl status engine-apiserver" >&2
fi
