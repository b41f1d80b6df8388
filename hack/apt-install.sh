#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Installs Debian packages without starting their services: apt-install.sh PACKAGE... A lock lets one caller in at a time.
set -euo pipefail

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "apt-install.sh: cannot install $*: this needs root and apt-get (Debian or Ubuntu): install it yourself" >&2
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
undo() {
	if [ -n "${our_policy:-}" ]; then rm -f "$policy"; fi
}
trap undo EXIT
trap 'exit 130' INT TERM HUP

# A policy-rc.d that exits with 101 keeps maintainer scripts from starting services. They still enable services for the next boot,
# so those that are new are disabled below.
if [ ! -e "$policy" ]; then
	our_policy=yes
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi
declare -A package_of=([docker.service]=docker.io [docker.socket]=docker.io [containerd.service]=containerd [prometheus.service]=prometheus)
new_units=()
for unit in "${!package_of[@]}"; do
	[ -e "/lib/systemd/system/$unit" ] || new_units+=("$unit")
done
new_scripts=()
for script in docker prometheus; do
	[ -e "/etc/init.d/$script" ] || new_scripts+=("$script")
done

echo "installing $*" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get -q update >&2 9>&-
apt-get -q install -y --no-install-recommends "$@" >&2 9>&-

for unit in "${new_units[@]}"; do
	[ ! -e "/lib/systemd/system/$unit" ] || DPKG_MAINTSCRIPT_PACKAGE=${package_of[$unit]} deb-systemd-helper disable "$unit" >&2
done
for script in "${new_scripts[@]}"; do
	[ ! -e "/etc/init.d/$script" ] || update-rc.d "$script" disable >&2
done
