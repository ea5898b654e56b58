#!/usr/bin/env bash
# What `make containers` runs with a Docker daemon: the tests that need one, then a share of the judgement and two drills on
# the runtime `containers`. All are told, whatever comes of the first.
set -euo pipefail
cd "$(dirname "$0")/.."
NOT_RUN=75
RUN=(.tools/uv/bin/uv run --frozen)

docker/images.sh || { echo 'NOT RUN: the images cannot be had' >&2; exit "$NOT_RUN"; }
if ! docker compose version >/dev/null 2>&1 && ! command -v docker-compose >/dev/null; then
  [ "${CI:-}" = true ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null &&
    apt-get install -qq --no-install-recommends docker-compose >/dev/null 2>&1 ||
    { echo 'NOT RUN: there is no Compose; install docker-compose' >&2; exit "$NOT_RUN"; }
fi

worst=0
"${RUN[@]}" pytest tests/containers || worst=$?
"${RUN[@]}" gatespec verify --runtime containers --tier wire --only P01,P03,P08,P18 --examples 3 --side-by-side 2 --out out/containers || worst=$?
"${RUN[@]}" gatespec drill redis_gone vault_gone --runtime containers --out out/containers/drill || worst=$?
exit "$worst"
