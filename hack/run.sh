#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Serves the Docker Engine of this machine, or a private one if none answers: run.sh [FLAG...]
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
run=$PWD/.run
socket=$run/docker.sock
server=(bin/engine-apiserver serve --state-dir "$run/state")

answers() { curl -fs -o /dev/null -m 5 --unix-socket "$1" http://docker/_ping; }

# Succeeds if the user has chosen an engine by a flag, an environment variable or a Docker context. The server then uses that
# engine, and explains itself why it cannot.
chosen() {
	local arg
	for arg; do
		case $arg in --docker-host | --docker-host=*) return 0 ;; esac
	done
	[ -n "${DOCKER_HOST:-}${DOCKER_CONTEXT:-}" ] ||
		grep -qs '"currentContext"' "${DOCKER_CONFIG:-$HOME/.docker}/config.json"
}

fail() {
	echo "$*" >&2
	exit 1
}

mkdir -p "$run"
if chosen "$@"; then
	exec "${server[@]}" "$@"
fi
command -v curl >/dev/null || hack/apt-install.sh curl
if answers /var/run/docker.sock; then
	exec "${server[@]}" "$@"
fi

cannot="No Docker Engine answers at /var/run/docker.sock, and a private one"
[ "$(uname -s)" = Linux ] || fail "$cannot needs Linux: start Docker, or pass ARGS=--docker-host=..."
[ "$(id -u)" = 0 ] || fail "$cannot needs root: start Docker, or pass ARGS=--docker-host=..."
[ "${#run}" -le 60 ] || fail "$cannot cannot have a socket in $run because the path is too long: move the repository, or pass ARGS=--docker-host=..."
exec 9>"$run/lock"
flock -n 9 || fail "Another 'make run' already serves the private Docker Engine in $run: stop it first."
hack/install-docker.sh
echo "No Docker Engine answers at /var/run/docker.sock: starting a private one, without networks, in $run."

# Runs a command in a session of its own, so that Ctrl-C in the terminal does not reach it: the engine must end after the server.
# The command still gets SIGTERM if this script is killed.
background() {
	setsid setpriv --pdeathsig TERM "$@" 9>&- &
}

# The engine gets a mount namespace of its own, so that its mounts end with it.
echo '{}' >"$run/daemon.json"
background env -i PATH="$PATH" HOME="$run" unshare --mount dockerd \
	--config-file "$run/daemon.json" --host "unix://$socket" --data-root "$run/data" --exec-root "$run/exec" \
	--pidfile "$run/docker.pid" --bridge none --iptables=false >"$run/dockerd.log" 2>&1
engine=$!
trap 'kill "$engine" 2>/dev/null && echo "Stopping the private Docker Engine." && wait "$engine" || true' EXIT
trap 'exit 130' INT TERM HUP

deadline=$((SECONDS + 60))
until answers "$socket"; do
	if ! kill -0 "$engine" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
		tail -n 20 "$run/dockerd.log" >&2
		fail "The private Docker Engine does not start."
	fi
	sleep 0.1
done

cat <<EOT
The engine stops with the server. To create something in it, run in another terminal:
  export DOCKER_HOST=unix://$socket
  tar -ch -C / bin/busybox | docker import - busybox
  docker run -d --network none --stop-timeout 1 --name demo busybox /bin/busybox sleep 3600
  docker volume create demo
EOT

background "${server[@]}" --docker-host "unix://$socket" "$@"
server_pid=$!
stop() {
	trap '' INT TERM HUP
	kill "$server_pid" 2>/dev/null || true
	status=0
	wait "$server_pid" || status=$?
	exit "$status"
}
trap stop INT TERM HUP
wait "$server_pid"
