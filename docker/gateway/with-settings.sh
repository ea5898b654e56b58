#!/bin/sh
# Become the command, with the settings that lie in files: secrets are no part of a container's description.
#   with-settings python -m reference_gateway users create --plan pro
set -eu
folder=${GATEWAY_SETTINGS_FOLDER:-/run/gatespec/gateway}
set -a
for file in "$folder"/*.env; do
  # shellcheck source=/dev/null
  [ -f "$file" ] && . "$file"
done
set +a
exec "$@"
