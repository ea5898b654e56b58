"""The slots of a cluster: whose they are, and how they go over to another node."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from redis.exceptions import ResponseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.stack.redis_cluster import ClusterNode, RedisCluster


def owner_of(cluster: RedisCluster, slot: int) -> ClusterNode:
    with cluster.nodes[0].client() as client:
        told = client.execute_command("CLUSTER", "SLOTS")
    port = next(primary[1] for first, last, primary, *_ in told if first <= slot <= last)
    return next(node for node in cluster.nodes if node.port == port)


def counted(node: ClusterNode, section: str, name: str) -> int:
    with node.client() as client:
        found = client.info(section).get(name, 0)  # commands that never ran have no count
    return int(found["calls"] if isinstance(found, dict) else found)


def tell(node: ClusterNode, *words: object) -> None:
    with node.client() as client:
        client.execute_command(*words)


def id_of(node: ClusterNode) -> str:
    with node.client() as client:
        return str(client.execute_command("CLUSTER", "MYID"), "ascii")


def give(cluster: RedisCluster, slot: int, giver: ClusterNode, taker: ClusterNode) -> None:
    """Hand a slot over as a migration does: who imported it claims it under a new epoch, or gossip takes it back."""
    with suppress(ResponseError):  # it may be the taker's already
        tell(taker, "CLUSTER", "SETSLOT", slot, "IMPORTING", id_of(giver))
    for node in (taker, *cluster.nodes):
        tell(node, "CLUSTER", "SETSLOT", slot, "NODE", id_of(taker))


@contextmanager
def slot_home_again(cluster: RedisCluster, slot: int) -> Iterator[tuple[ClusterNode, ClusterNode]]:
    """The slot's node and another; afterwards the slot is back."""
    home = owner_of(cluster, slot)
    away = next(node for node in cluster.nodes if node is not home)
    try:
        yield home, away
    finally:
        tell(away, "FLUSHALL")
        give(cluster, slot, away, home)
