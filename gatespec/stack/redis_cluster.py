"""A Redis Cluster of three masters, with replicas where somebody asks: slots, redirections, a lost node, a failover."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from gatespec import verdict
from gatespec.clock import until
from gatespec.errors import unable
from gatespec.ports import CLUSTER_NODES
from gatespec.stack.native import NativeService
from gatespec.stack.ports import LOOPBACK, free_port
from gatespec.stack.redis import ANSWER_S, in_memory, pings, redis_command

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from gatespec.stack.finder import Server
    from gatespec.stack.nursery import Nursery
    from gatespec.stack.process import Command

MASTERS = CLUSTER_NODES
SLOTS = 16_384
NODE_TIMEOUT_MS = 2_000
"""How soon the others call a silent node failed; the default of 15 s only makes drills longer."""
WAYFINDING = {"asking", "auth", "client", "cluster", "command", "config", "echo", "hello", "info", "ping", "readonly"}
"""What clients and the judge say before, or without, asking for a key."""
AGREE_MS = 60_000
"""How long the nodes may gossip until all call the cluster well: 2 to 3 s on a quiet machine."""


class ClusterNode(NativeService):
    """One server; after a kill it comes back with its id and no keys, and its slots where nobody took them."""

    def __init__(self, nursery: Nursery, server: Server, name: str) -> None:
        super().__init__(nursery, name)
        self._server = server
        self._announced: int | None = None

    def client(self) -> redis.Redis:
        """A connection to this node alone."""
        return redis.Redis(LOOPBACK, self.port, socket_timeout=ANSWER_S * 5, retry=Retry(NoBackoff(), 0))

    def announce(self, port: int) -> None:
        """Have clients sent to this port instead of its own; the other nodes go on speaking to its bus."""
        self._announced = port
        with self.client() as client:
            client.config_set("cluster-announce-port", port)

    @property
    def announced(self) -> int:
        """Where clients are sent."""
        return self._announced or self.port

    @property
    def id(self) -> str:
        """Its name among the nodes."""
        with self.client() as client:
            return _text(client.execute_command("CLUSTER MYID"))

    @property
    def commands(self) -> int:
        """How many commands were about keys since it was started; the judge sends none such."""
        with self.client() as client:
            told = client.info("commandstats")
        names = {name: name.removeprefix("cmdstat_").partition("|")[0] for name in told}
        return sum(int(told[name]["calls"]) for name, word in names.items() if word not in WAYFINDING)

    def described(self) -> verdict.Service:
        """Server, version, why, address."""
        found = self._server
        role = f"Redis Cluster, {MASTERS} nodes"
        return verdict.Service(role, found.name, found.version, found.why, self.address)

    def _command(self, port: int) -> Command:
        bus = str(free_port())
        config = {
            **in_memory(port),
            "cluster-enabled": "yes",
            "cluster-config-file": "nodes.conf",
            "cluster-node-timeout": str(NODE_TIMEOUT_MS),
            "cluster-port": bus,
            "cluster-announce-ip": LOOPBACK,
            "cluster-announce-port": str(self._announced or port),
            "cluster-announce-bus-port": bus,
            "repl-diskless-sync-delay": "0",  # the default waits 5 s for others who want the same copy
        }
        return redis_command(self._server, self.name, self._nursery.room(self.name), config)

    def _answers(self) -> bool:
        return pings(f"redis://{self.address}")


class RedisCluster:
    """Three masters that share all slots, and as many replicas of each as are asked for.

    They have no password: `redis+cluster://host:port,host:port` of the contract has no place for one. They listen on
    the loopback address only, in protected mode.
    """

    def __init__(self, nursery: Nursery, server: Server, name: str = "redis-cluster", *, replicas: int = 0) -> None:
        """`replicas` is how many each master has; without any the cluster cannot lose a node."""
        self.name = name
        count = MASTERS * (1 + replicas)
        self.nodes = tuple(ClusterNode(nursery, server, f"{name}-{number}") for number in range(1, count + 1))
        """The first three are masters from the beginning, the others replicas of the first, second, third in turn."""

    @property
    def url(self) -> str:
        """As the contract writes it."""
        return cluster_url(node.address for node in self.nodes)

    @property
    def address(self) -> str:
        """Each node's host and port."""
        return ",".join(node.address for node in self.nodes)

    @property
    def logs(self) -> tuple[Path, ...]:
        """One file per node."""
        return tuple(log for node in self.nodes for log in node.logs)

    def start(self) -> None:
        """Begin all."""
        for node in self.nodes:
            node.start()

    def ready(self) -> None:
        """Wait until each node serves; join them if they are new; wait until all call the cluster well."""
        for node in self.nodes:
            node.ready()
        if _info(self.nodes[0])["cluster_slots_assigned"] == "0":
            _join(self.nodes[:MASTERS])
            self._agree(self.nodes[:MASTERS])
            _follow(self.nodes)
        self._agree(self.nodes)

    def _agree(self, nodes: Sequence[ClusterNode]) -> None:
        announced = {node.announced for node in nodes}
        if not until(lambda: all(_is_well(node, announced) for node in nodes), at_most_ms=AGREE_MS):
            said = "; ".join(f"{node.address} says {_info(node)}" for node in nodes)
            raise unable("cluster-not-formed", "the nodes of Redis Cluster do not agree", tried=said)

    def shards(self, seen_from: ClusterNode) -> dict[str, str]:
        """By the name of each node that serves slots, the slots, as this node knows it by now; raise `RedisError`."""
        with seen_from.client() as client:
            told = client.execute_command("CLUSTER SLOTS")
        by_port = {node.announced: node.name for node in self.nodes}
        shards: dict[str, list[str]] = {}
        for first, last, primary, *_ in told:
            shards.setdefault(by_port[int(primary[1])], []).append(f"{first}-{last}")
        return {name: ",".join(sorted(slots)) for name, slots in shards.items()}

    def epoch(self, seen_from: ClusterNode) -> int:
        """How many times slots changed hands, as this node knows it by now; raise `RedisError`."""
        return int(_info(seen_from)["cluster_current_epoch"])

    def announce(self, ports: Sequence[int]) -> None:
        """Send clients to these ports, one for each node, wherever they learn of the nodes; `ready` waits for that."""
        for node, port in zip(self.nodes, ports, strict=True):
            node.announce(port)

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
        role = f"Redis Cluster, {len(self.nodes)} nodes"
        return verdict.Service(role, first.server, first.version, first.why, self.address)


def cluster_url(addresses: Iterable[str]) -> str:
    """As the contract writes a cluster that is found at any of these."""
    return f"redis+cluster://{','.join(addresses)}"


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


def _follow(nodes: Sequence[ClusterNode]) -> None:
    """Introduce the replicas to all, and give each its master, as soon as it has heard of it."""
    with nodes[0].client() as client:
        for node in nodes[MASTERS:]:
            client.execute_command("CLUSTER MEET", LOOPBACK, node.port, _bus_port(node))
    for place, node in enumerate(nodes[MASTERS:]):
        master = nodes[place % MASTERS].id
        if not until(partial(_replicates, node, master), at_most_ms=AGREE_MS):
            raise unable("cluster-not-formed", f"{node.name} never heard of its master, {nodes[place % MASTERS].name}")


def _replicates(node: ClusterNode, master: str) -> bool:
    try:
        with node.client() as client:
            client.execute_command("CLUSTER REPLICATE", master)
    except redis.ResponseError:  # it has not heard of that master yet
        return False
    return True


def _bus_port(node: ClusterNode) -> str:
    with node.client() as client:
        return str(client.config_get("cluster-port")["cluster-port"])


def _info(node: ClusterNode) -> dict[str, str]:
    with node.client() as client:
        return {str(key): str(value) for key, value in client.cluster("INFO").items()}


def _is_well(node: ClusterNode, announced: Collection[int]) -> bool:
    """Whether all slots are served, it knows all nodes by the ports that they announce, and has what its master has."""
    try:
        info = _info(node)
        with node.client() as client:
            told = client.execute_command("CLUSTER SLOTS")
            copied = client.info("replication").get("master_link_status", "up") == "up"
    except redis.RedisError:
        return False
    ports = {int(each[1]) for _, _, *nodes in told for each in nodes}
    known = info["cluster_known_nodes"] == str(len(announced))
    return info["cluster_state"] == "ok" and known and copied and ports == announced


def _text(said: object) -> str:
    return said.decode() if isinstance(said, bytes) else str(said)
