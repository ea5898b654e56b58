"""A lane's Redis Cluster as the judge breaks it: a master is killed, a replica takes over, the dead one comes back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis

from gatespec.clock import until
from gatespec.errors import unable

if TYPE_CHECKING:
    from gatespec.clock import Clock
    from gatespec.stack.redis_cluster import ClusterNode, RedisCluster

PROMOTED_MS = 30_000
"""How long the others may take to miss a master and to elect its replica: 2 to 4 s on a quiet machine."""


@dataclass(frozen=True)
class Heir:
    """Who serves the slots of the killed master, as the cluster itself says."""

    node: str
    slots: str
    epochs: int
    """By how many the cluster's epoch rose: each promotion is one."""
    unowned_ms: int
    """The last moment at which nobody said that the slots were another's."""


class Shards:
    """At most one master is dead at a time."""

    def __init__(self, cluster: RedisCluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._dead: ClusterNode | None = None
        self._slots = ""
        self._epoch = 0
        self._unowned_ms = 0

    @property
    def dead(self) -> str:
        """The killed node; empty where all live."""
        return self._dead.name if self._dead else ""

    def kill(self) -> str:
        """End the master that was asked most, so that its loss is met; return its name."""
        witness = self._cluster.nodes[0]
        shards = self._cluster.shards(witness)
        busiest = max((node for node in self._cluster.nodes if node.name in shards), key=lambda node: node.commands)
        self._slots, self._epoch = shards[busiest.name], self._cluster.epoch(witness)
        busiest.kill()
        self._dead, self._unowned_ms = busiest, self._clock.now_ms()
        return busiest.name

    def await_heir(self) -> Heir:
        """Wait until all others say that another serves its slots; raise `unable` where none comes."""
        if not until(self._agree_on_an_heir, at_most_ms=PROMOTED_MS):
            raise unable("no-failover", f"nobody took over the slots of {self.dead} within {PROMOTED_MS} ms")
        (heir,) = self._heirs()
        return Heir(heir, self._slots, self._cluster.epoch(self._alive[0]) - self._epoch, self._unowned_ms)

    def bring_back(self) -> None:
        """Start it where it was, and wait until all call the cluster well and it has what its new master has."""
        if self._dead is not None:
            self._dead.start()
            self._cluster.ready()
            self._dead = None

    @property
    def _alive(self) -> list[ClusterNode]:
        return [node for node in self._cluster.nodes if node is not self._dead]

    def _agree_on_an_heir(self) -> bool:
        looked_ms, heirs = self._clock.now_ms(), self._heirs()
        if heirs == {""}:
            self._unowned_ms = looked_ms
        return len(heirs) == 1 and "" not in heirs

    def _heirs(self) -> set[str]:
        """Whom the living name as the owner of the slots; empty text for nobody new."""
        named: set[str] = set()
        for node in self._alive:
            with suppress(redis.RedisError):
                shards = self._cluster.shards(node)
                owner = next((name for name, slots in shards.items() if slots == self._slots), "")
                named.add("" if owner == self.dead else owner)
        return named
