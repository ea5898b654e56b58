#!/usr/bin/env bash
# Have every image of docker-compose.yml: the third parties' from a registry where one is reachable, else all of them made
# here by offline-base.sh; our own are built, from cache where nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."
PULL_S=120

official() { sed -nE 's/.*image: \$\{[A-Z_]+:-([^}]+)\}.*/\1/p' docker-compose.yml | sort -u; }

missing=()
for name in $(official); do
  docker image inspect "$name" >/dev/null 2>&1 || missing+=("$name")
done
for name in "${missing[@]}"; do
  timeout "$PULL_S" docker pull --quiet "$name" 2>/dev/null || { echo "no registry has $name for us"; break; }
done
exec docker/offline-base.sh --missing
