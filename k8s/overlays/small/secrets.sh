#!/usr/bin/env bash
# Prints the Secrets that the small overlay asks for, with passwords and keys that were made this moment:
#
#   GATEWAY_VAULT_ROLE_ID=... GATEWAY_VAULT_SECRET_ID=... secrets.sh | kubectl apply -f -
#
# Not to be run again: PostgreSQL keeps the first password that it was given.
set -euo pipefail
: "${GATEWAY_VAULT_ROLE_ID:?the role of the gateway in Vault: docs/guides/provider-credentials.md}"
: "${GATEWAY_VAULT_SECRET_ID:?a secret id of that role}"
NAMESPACE=gatespec

encoded() { printf '%s' "$1" | base64 | tr -d '\n'; }

# A name, then pairs of key and value.
secret() {
  printf -- '---\napiVersion: v1\nkind: Secret\nmetadata: { name: %s, namespace: %s }\ndata:\n' "$1" "$NAMESPACE"
  shift
  while [ $# -gt 0 ]; do
    printf '  %s: %s\n' "$1" "$(encoded "$2")"
    shift 2
  done
}

postgres=$(openssl rand -hex 32)
redis=$(openssl rand -hex 32)
private=$(openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:3072)
public=$(openssl pkey -pubout <<<"$private")
nodes=$(printf 'redis-%s.redis:6379,' 0 1 2 3 4 5)

secret postgres password "$postgres"
secret gateway-database url "postgresql://gateway:$postgres@postgres:5432/gateway"
secret redis password "$redis" auth.conf "requirepass $redis"$'\n'"masterauth $redis"$'\n'
secret gateway-redis url "redis+cluster://:$redis@${nodes%,}"
secret gateway-vault role_id "$GATEWAY_VAULT_ROLE_ID" secret_id "$GATEWAY_VAULT_SECRET_ID"
secret gateway-signing-keys private.pem "$private" public.pem "$public"
