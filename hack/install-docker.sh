#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Installs the programs of a private Docker Engine, without starting the system's own engine.
set -euo pipefail

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

missing() {
	local tool
	for tool in dockerd containerd runc iptables busybox; do
		command -v "$tool" >/dev/null || return 0
	done
	return 1
}

missing || exit 0
exec "$(dirname "$0")/apt-install.sh" docker.io containerd runc iptables busybox-static
