"""A Redis Cluster of three masters without replicas: enough for slots, redirections and a lost node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from gatespec import verdict
from gatespec.clock import until
from gatespec.errors import unable
from gatespec.stack.native import NativeService
from gatespec.stack.ports import LOOPBACK, free_port
from gatespec.stack.redis import ANSWER_S, in_memory, pings, redis_command

if TYPE_CHECKING:
    from pathlib import Path

    from gatespec.stack.finder import Server
    from gatespec.stack.nursery import Nursery
    from gatespec.stack.process import Command

MASTERS = 3
"""The fewest that can agree on a failure."""
SLOTS = 16_384
NODE_TIMEOUT_MS = 2_000
"""How soon the others call a silent node failed; the default of 15 s only makes drills longer."""
AGREE_MS = 60_000
"""How long the nodes may gossip until all call the cluster well: 2 to 3 s on a quiet machine."""


class ClusterNode(NativeService):
    """One master; after a kill it comes back with its id and slots, and no keys."""

    def __init__(self, nursery: Nursery, server: Server, number: int) -> None:
        super().__init__(nursery, f"redis-cluster-{number}")
        self._server = server

    def client(self) -> redis.Redis:
        """A connection to this node alone."""
        return redis.Redis(LOOPBACK, self.port, socket_timeout=ANSWER_S * 5, retry=Retry(NoBackoff(), 0))

    def described(self) -> verdict.Service:
        """Server, version, why, address."""
        found = self._server
        return verdict.Service("Redis Cluster", found.name, found.version, found.why, self.address)

    def _command(self, port: int) -> Command:
        bus = str(free_port())
        config = {
            **in_memory(port),
            "cluster-enabled": "yes",
            "cluster-config-file": "nodes.conf",
            "cluster-node-timeout": str(NODE_TIMEOUT_MS),
            "cluster-port": bus,
            "cluster-announce-ip": LOOPBACK,
            "cluster-announce-port": str(port),
            "cluster-announce-bus-port": bus,
        }
        return redis_command(self._server, self.name, self._nursery.room(self.name), config)

    def _answers(self) -> bool:
        return pings(f"redis://{self.address}")


class RedisCluster:
    """Three masters that share all slots.

    They have no password: `redis+cluster://host:port,host:port` of the contract has no place for one. They listen on
    the loopback address only, in protected mode.
    """

    name = "redis-cluster"

    def __init__(self, nursery: Nursery, server: Server) -> None:
        self.nodes = tuple(ClusterNode(nursery, server, number) for number in range(1, MASTERS + 1))

    @property
    def url(self) -> str:
        """As the contract writes it."""
        return f"redis+cluster://{self.address}"

    @property
    def address(self) -> str:
        """Each node's host and port."""
        return ",".join(node.address for node in self.nodes)

    @property
    def logs(self) -> tuple[Path, ...]:
        """One file per node."""
        return tuple(log for node in self.nodes for log in node.logs)

    def start(self) -> None:
        """Begin all three."""
        for node in self.nodes:
            node.start()

    def ready(self) -> None:
        """Wait until each node serves; join them if they are new; wait until all three call the cluster well."""
        for node in self.nodes:
            node.ready()
        if _info(self.nodes[0])["cluster_slots_assigned"] == "0":
            _join(self.nodes)
        if not until(lambda: all(map(_is_well, self.nodes)), at_most_ms=AGREE_MS):
            said = "; ".join(f"{node.address} says {_info(node)}" for node in self.nodes)
            raise unable("cluster-not-formed", "the nodes of Redis Cluster do not agree", tried=said)

    def empty(self) -> None:
        """Delete every key of every node."""
        for node in self.nodes:
            with node.client() as client:
                client.flushall()

    def pause(self) -> None:
        """Stop all nodes where they stand."""
        for node in self.nodes:
            node.pause()

    def resume(self) -> None:
        """Let all nodes go on."""
        for node in self.nodes:
            node.resume()

    def kill(self) -> None:
        """End all nodes as a power cut would."""
        for node in self.nodes:
            node.kill()

    def stop(self) -> None:
        """End all nodes."""
        for node in self.nodes:
            node.stop()

    def described(self) -> verdict.Service:
        """Server, version, why, all addresses."""
        first = self.nodes[0].described()
        return verdict.Service(first.role, first.server, first.version, first.why, self.address)


def _join(nodes: tuple[ClusterNode, ...]) -> None:
    """Give each its share of the slots and an epoch of its own, then introduce them to the first."""
    for number, node in enumerate(nodes):
        first, end = SLOTS * number // MASTERS, SLOTS * (number + 1) // MASTERS
        with node.client() as client:
            client.execute_command("CLUSTER ADDSLOTSRANGE", first, end - 1)
            client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
    with nodes[0].client() as client:
        for node in nodes[1:]:
            bus = _bus_port(node)
            client.execute_command("CLUSTER MEET", LOOPBACK, node.port, bus)


def _bus_port(node: ClusterNode) -> str:
    with node.client() as client:
        return str(client.config_get("cluster-port")["cluster-port"])


def _info(node: ClusterNode) -> dict[str, str]:
    with node.client() as client:
        return {str(key): str(value) for key, value in client.cluster("INFO").items()}


def _is_well(node: ClusterNode) -> bool:
    try:
        info = _info(node)
    except redis.RedisError:
        return False
    return info["cluster_state"] == "ok" and info["cluster_known_nodes"] == str(MASTERS)
