#!/usr/bin/env bash
# Make every image of docker-compose.yml where no image registry can be reached: the base from this machine's own Debian
# archive, and on it the project's Dockerfiles, under the very names that Compose and the judge ask for.
#
#   docker/offline-base.sh              the base, then all images; what is there already is built again from cache
#   docker/offline-base.sh --missing    of the third parties' images those alone that are not there
#   docker/offline-base.sh --base       the base alone
#
# Needs root (debootstrap), Docker, and an apt source that works on this machine. On an ordinary machine nobody needs it: the
# same names are official images there, or are built by `docker compose build`.
set -euo pipefail
cd "$(dirname "$0")/.."

BASE=debian:bookworm-slim
SUITE=bookworm
CERTIFICATES=/etc/ssl/certs/ca-certificates.crt
SOURCES=(/etc/apt/sources.list /etc/apt/sources.list.d/debian.sources)

fail() { # code, what broke, what to do
  printf 'error[%s]: %s\n  do: %s\n' "$1" "$2" "$3" >&2
  exit 3
}

# name = folder under docker/; names are those of docker-compose.yml (a repository test compares them).
IMAGES=(
  redis:7.0-bookworm=redis
  postgres:15-bookworm=postgres
  openbao/openbao:2.7.2=openbao
  haproxy:2.6-bookworm=haproxy
  gatespec/gateway:0.1.0=gateway
  gatespec/judge:0.1.0=judge
)

OURS='gatespec/*'

check() {
  command -v docker >/dev/null || fail docker-missing 'there is no docker' 'apt-get install docker.io'
  docker info >/dev/null 2>&1 || fail docker-unreachable 'no Docker daemon answers' 'start dockerd, or set DOCKER_HOST'
}

mirror() { # the archive that this machine's own apt uses for Debian's main suite
  apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' 2>/dev/null |
    awk -v suite="$SUITE" '$2 == suite { print $1; exit }'
}

base() {
  local root archive
  [ "$(id -u)" = 0 ] || fail not-root 'debootstrap needs root' 'run it with sudo'
  command -v debootstrap >/dev/null || fail debootstrap-missing 'there is no debootstrap' 'apt-get install debootstrap'
  archive=$(mirror)
  [ -n "$archive" ] || fail archive-unknown "apt knows no archive of $SUITE" 'look at /etc/apt/sources.list, then apt-get update'
  root=$(mktemp -d)
  trap 'rm -rf "$root"' RETURN
  echo "making $BASE"
  debootstrap --variant=minbase --include=ca-certificates "$SUITE" "$root" "$archive" >"$root.log" 2>&1 ||
    { tail -5 "$root.log" >&2; fail base-failed 'debootstrap failed' "read $root.log"; }
  rm -f "$root.log" "$root"/etc/apt/sources.list
  for source in "${SOURCES[@]}"; do
    [ -f "$source" ] && install -D -m 644 "$source" "$root$source"
  done
  # Whatever this machine trusts, apt, pip and uv trust inside a build too.
  install -D -m 644 "$CERTIFICATES" "$root$CERTIFICATES"
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*
  # As the official image does: no manuals, no translations, and none that packages would bring later.
  rm -rf "$root"/usr/share/{doc,info,man,locale,groff,lintian,linda}/*
  printf 'path-exclude=/usr/share/%s/*\n' doc info man locale groff lintian linda >"$root/etc/dpkg/dpkg.cfg.d/slim"
  tar -C "$root" -c . | docker import --message 'debootstrap minbase' \
    --change "ENV SSL_CERT_FILE=$CERTIFICATES PIP_CERT=$CERTIFICATES REQUESTS_CA_BUNDLE=$CERTIFICATES" \
    --change "ENV NODE_EXTRA_CA_CERTS=$CERTIFICATES CURL_CA_BUNDLE=$CERTIFICATES" \
    --change 'CMD ["/bin/bash"]' - "$BASE" >/dev/null
}

image() { # name, folder
  echo "building $1"
  docker build --quiet --tag "$1" --file "docker/$2/Dockerfile" . >/dev/null ||
    fail image-failed "cannot build $1" "DOCKER_BUILDKIT=$DOCKER_BUILDKIT docker build --file docker/$2/Dockerfile . shows why"
}

check
# Newer clients build with BuildKit through a plugin alone; without it the daemon's own builder does as well.
docker buildx version >/dev/null 2>&1 && export DOCKER_BUILDKIT=1 || export DOCKER_BUILDKIT=0
docker image inspect "$BASE" >/dev/null 2>&1 || timeout 60 docker pull --quiet "$BASE" 2>/dev/null || base
[ "${1:-}" = --base ] && exit 0
for each in "${IMAGES[@]}"; do
  name=${each%%=*}
  # shellcheck disable=SC2053 - a pattern
  [ "${1:-}" = --missing ] && [[ $name != $OURS ]] && docker image inspect "$name" >/dev/null 2>&1 && continue
  image "$name" "${each#*=}"
done
echo 'all images are there'
