#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Installs Debian packages, one caller at a time, and starts no service that comes with them.
set -euo pipefail

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "please install $* (only root on Debian or Ubuntu can have it done here)" >&2
	exit 1
fi

exec 9>/var/lock/engine-apiserver-install.lock
flock 9

installed() {
	local package
	for package; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || return 1
	done
}

installed "$@" && exit 0

policy=/usr/sbin/policy-rc.d
preset=/run/systemd/system-preset/00-engine-apiserver.preset
undo() {
	if [ -n "${our_policy:-}" ]; then rm -f "$policy"; fi
	rm -f "$preset"
}
trap undo EXIT
trap 'exit 130' INT TERM HUP

# A policy of 101 forbids maintainer scripts to start a service, the preset to enable one.
if [ ! -e "$policy" ]; then
	our_policy=yes
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi
mkdir -p "$(dirname "$preset")"
printf 'disable docker.service\ndisable docker.socket\ndisable containerd.service\n' >"$preset"

echo "installing $*" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get -q update >&2
apt-get -q install -y --no-install-recommends "$@" >&2 9>&-
