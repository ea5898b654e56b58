#!/bin/sh
# Form the cluster the first time; introduce its nodes to each other again when their addresses changed.
#   join.sh redis-1 redis-2 ...     an even number of nodes: the first half masters, the others a replica of each
set -eu
PORT=6379
SLOTS=16384
TRIES=60

address() { getent hosts "$1" | awk '{ print $1; exit }'; }
told() { redis-cli -h "$1" -p "$PORT" cluster info | tr -d '\r' | awk -F: -v name="$2" '$1 == name { print $2 }'; }
fail() { echo "error[$1]: $2" >&2; exit 1; }

all=''
for node in "$@"; do
  ip=$(address "$node")
  [ -n "$ip" ] || fail node-unknown "$node has no address"
  all="$all $ip:$PORT"
done

case $(told "$1" cluster_slots_assigned) in
  0) # shellcheck disable=SC2086 - a list of addresses
    redis-cli --cluster create $all --cluster-replicas 1 --cluster-yes ;;
  "$SLOTS")
    for node in "$@"; do
      redis-cli -h "$1" -p "$PORT" cluster meet "$(address "$node")" "$PORT" >/dev/null
    done ;;
  *) fail cluster-half-formed 'a start was cut short; begin anew: docker compose down -v, then docker compose up --wait' ;;
esac

for node in "$@"; do
  tries=0
  until [ "$(told "$node" cluster_state)" = ok ] && [ "$(told "$node" cluster_known_nodes)" = $# ]; do
    tries=$((tries + 1))
    [ "$tries" -lt "$TRIES" ] || fail cluster-not-formed "$node does not agree: $(redis-cli -h "$node" cluster info)"
    sleep 1
  done
done
echo "a cluster of $# nodes"
