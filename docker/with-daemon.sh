#!/usr/bin/env bash
# Run a command with a Docker daemon: the one that answers, or one of our own that ends with the command.
#
#   docker/with-daemon.sh COMMAND...
#
# Where none can be had it says so and what to do, runs nothing, and exits with 75 (EX_TEMPFAIL): that is no success.
# Our own keeps images in a cache folder, listens on a socket of its own, and publishes ports on the loopback address alone.
set -euo pipefail

NOT_RUN=75
READY_S=60
PACKAGES=(docker.io debootstrap iptables)
CACHE=${GATESPEC_DOCKER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gatespec/docker}

not_run() { # why, what to do
  printf 'NOT RUN: %s\n  do: %s\n' "$1" "$2" >&2
  exit "$NOT_RUN"
}

install() {
  command -v dockerd >/dev/null && return
  command -v apt-get >/dev/null || not_run 'there is no dockerd, and no apt-get to install it' 'install Docker'
  # Only where the machine is there for this: nobody's own gets packages behind his back.
  [ "${CI:-}" = true ] || not_run 'there is no dockerd' "install Docker; where CI=true, ${PACKAGES[*]} are installed"
  echo "installing ${PACKAGES[*]}"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${PACKAGES[@]}"; } \
    >/dev/null 2>&1 || not_run "cannot install ${PACKAGES[*]}" 'install Docker'
}

stop() {
  [ -n "${daemon:-}" ] || return 0
  kill "$daemon" 2>/dev/null || true
  wait "$daemon" 2>/dev/null || true
  # A container that shared the machine's network leaves its mount.
  umount "$room"/exec/netns/* 2>/dev/null || true
  rm -rf "$room" || true
}

begin() {
  room=$(mktemp -d)
  mkdir -p "$CACHE"
  trap stop EXIT
  trap 'exit 130' INT TERM HUP
  dockerd --host "unix://$room/docker.sock" --data-root "$CACHE" --exec-root "$room/exec" --pidfile "$room/pid" \
    --ip 127.0.0.1 --default-address-pool base=172.28.0.0/16,size=24 >"$room/log" 2>&1 &
  daemon=$!
  export DOCKER_HOST="unix://$room/docker.sock"
  for _ in $(seq "$READY_S"); do
    docker info >/dev/null 2>&1 && return
    kill -0 "$daemon" 2>/dev/null || break
    sleep 1
  done
  tail -5 "$room/log" >&2
  not_run 'a Docker daemon of our own does not start' 'start one yourself; its words are above'
}

if ! docker info >/dev/null 2>&1; then
  [ "$(id -u)" = 0 ] || not_run 'no Docker daemon answers, and only root can start one' 'start Docker, or set DOCKER_HOST'
  install
  begin
fi
"$@"
