#!/usr/bin/env bash
# Ask a real kube-apiserver whether it would take every overlay: it sees what no schema does (a selector that matches nothing,
# requests above limits, a minimum above its maximum). `make k8s-check`.
#
#   k8s/check.sh [OVERLAY...]     by default all of k8s/overlays
#
# The server is built once from its Go modules (about ten minutes on two cores) and kept in the cache, by its version. Needs go,
# kubectl and etcd (Debian: etcd-server). Nothing is left running, and nothing listens beyond the loopback address.
set -euo pipefail
cd "$(dirname "$0")"

VERSION=1.34.4
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/gatespec/kube-apiserver-$VERSION
SERVER=$CACHE/kube-apiserver
READY_S=90

fail() { # code, what broke, what to do
  printf 'error[%s]: %s\n  do: %s\n' "$1" "$2" "$3" >&2
  exit 3
}

need() { command -v "$1" >/dev/null || fail "$1-missing" "there is no $1" "$2"; }

build() {
  [ -x "$SERVER" ] && return
  need go 'install Go 1.24 or newer'
  echo "building kube-apiserver $VERSION, once: about ten minutes"
  mkdir -p "$CACHE"
  local room
  room=$(mktemp -d)
  (
    cd "$room"
    go mod init check.invalid/kube-apiserver >/dev/null 2>&1
    # Its own modules lie in its repository; their published versions stand in for them.
    go mod download -json "k8s.io/kubernetes@v$VERSION" | sed -n 's/.*"GoMod": "\(.*\)",/\1/p' >gomod
    sed -n 's#^\t\(k8s.io/[a-z-]*\) => ./staging/.*#\1#p' "$(cat gomod)" | while read -r module; do
      go mod edit -replace "$module=$module@v0.${VERSION#1.}"
    done
    go mod edit -require "k8s.io/kubernetes@v$VERSION"
    printf 'package main\n\nimport _ "k8s.io/kubernetes/cmd/kube-apiserver/app"\n\nfunc main() {}\n' >main.go
    go mod tidy >log 2>&1 && CGO_ENABLED=0 go build -mod=mod -ldflags='-s -w' -o "$SERVER.half" k8s.io/kubernetes/cmd/kube-apiserver >>log 2>&1
  ) || { tail -5 "$room/log" >&2; fail build-failed 'cannot build kube-apiserver' "look into $room/log"; }
  mv "$SERVER.half" "$SERVER"
  chmod -R u+w "$room" && rm -rf "$room"
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

stop() {
  [ -n "${apiserver:-}" ] && kill "$apiserver" 2>/dev/null
  [ -n "${etcd:-}" ] && kill "$etcd" 2>/dev/null
  wait 2>/dev/null
  rm -rf "$room"
}

start() {
  room=$(mktemp -d)
  trap stop EXIT
  trap 'exit 130' INT TERM HUP
  local clients peers
  clients=$(free_port) peers=$(free_port) port=$(free_port)
  etcd --data-dir "$room/etcd" --listen-client-urls "http://127.0.0.1:$clients" --advertise-client-urls "http://127.0.0.1:$clients" \
    --listen-peer-urls "http://127.0.0.1:$peers" --initial-advertise-peer-urls "http://127.0.0.1:$peers" \
    --initial-cluster "default=http://127.0.0.1:$peers" >"$room/etcd.log" 2>&1 &
  etcd=$!
  openssl genrsa -out "$room/accounts.key" 2048 2>/dev/null
  token=$(openssl rand -hex 16)
  (umask 077 && echo "$token,check,check,system:masters" >"$room/tokens.csv")
  "$SERVER" --etcd-servers "http://127.0.0.1:$clients" --bind-address 127.0.0.1 --advertise-address 127.0.0.1 --secure-port "$port" \
    --cert-dir "$room/certificates" --token-auth-file "$room/tokens.csv" --authorization-mode RBAC \
    --service-account-issuer https://check.invalid --service-account-key-file "$room/accounts.key" \
    --service-account-signing-key-file "$room/accounts.key" --service-cluster-ip-range 10.96.0.0/16 \
    --disable-admission-plugins ServiceAccount >"$room/apiserver.log" 2>&1 &
  apiserver=$!
  for _ in $(seq "$READY_S"); do
    [ "$(ask get --raw /readyz 2>/dev/null)" = ok ] && return
    kill -0 "$apiserver" 2>/dev/null || break
    sleep 1
  done
  tail -5 "$room/apiserver.log" >&2
  fail apiserver-not-ready 'kube-apiserver does not start' 'its last words are above'
}

ask() { kubectl --server "https://127.0.0.1:$port" --insecure-skip-tls-verify --token "$token" "$@"; }

need kubectl 'install kubectl 1.32 or newer'
need etcd 'install etcd (Debian: apt-get install etcd-server)'
need openssl 'install openssl'
build
start
# Kinds that a cluster has from an operator: real here, so that the dry run knows them.
ask apply -f crds.yaml >/dev/null
ask wait --for condition=Established --timeout 30s -f crds.yaml >/dev/null
worst=0
for overlay in "${@:-overlays/production overlays/small}"; do
  for each in $overlay; do
    # The namespace must be there for what is in it to be looked at.
    kubectl kustomize "$each" >"$room/rendered.yaml"
    ask create namespace "$(sed -n 's/^  namespace: //p' "$room/rendered.yaml" | sort -u | head -1)" >/dev/null 2>&1 || true
    if said=$(ask apply --dry-run=server -f "$room/rendered.yaml" 2>&1); then
      echo "$each: taken, $(echo "$said" | wc -l) objects"
    else
      echo "$each: refused"; echo "$said" | grep -v 'dry run)$'; worst=1
    fi
  done
done
exit "$worst"
