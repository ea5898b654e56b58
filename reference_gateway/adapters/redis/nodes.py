"""The primaries of a Redis Cluster: which one a key is with, and how they are found again when it moved.

They are found here rather than by redis-py's cluster client: that one answers a failure by closing the connections to
all nodes and asking the whole cluster anew, inside the request; here a failure is one node's, final within the budget,
and the search goes on in the background.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from reference_gateway.adapters.redis.topology import UNKNOWN, Topology
from reference_gateway.core.limiter import StoreAway

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Node(Protocol):
    """One server of the cluster."""

    async def probe(self, key: str) -> None:
        """Return if it works, and answers for `key`; raises `StoreAway`."""

    async def topology(self) -> Topology:
        """Tell the cluster's servers and slots, as this one knows them; raises `StoreAway`."""

    async def close(self) -> None:
        """Give back every connection."""


NodeT = TypeVar("NodeT", bound=Node)


class Nodes(Generic[NodeT]):
    """Every node that was ever asked, and what one of them last told of the cluster."""

    def __init__(
        self, seeds: Sequence[str], connect: Callable[[str], NodeT], moved: Callable[[str], None] = lambda _: None
    ) -> None:
        """`seeds` are host:port of any nodes; `connect` opens one of that name, without a wait.

        `moved` is told the name of each server to or from which slots went over since the cluster was last found.
        """
        self._seeds = tuple(seeds)
        self._connect = connect
        self._moved = moved
        self._nodes: dict[str, NodeT] = {}
        self._topology = Topology()

    def server(self, key: str) -> str:
        """Name the primary of a key, or `UNKNOWN` before the cluster was first found."""
        return self._topology.server(key)

    def node(self, name: str) -> NodeT:
        """Return the node of that name, connected or not."""
        if name not in self._nodes:
            self._nodes[name] = self._connect(name)
        return self._nodes[name]

    async def find(self) -> None:
        """Ask all nodes that we know of at once, and believe the first: one that hangs must not cost the budget.

        Raises `StoreAway` if none answers.
        """
        names = dict.fromkeys((*self._topology.servers, *self._seeds))
        asked = [asyncio.create_task(self.node(name).topology()) for name in names]
        try:
            for first in asyncio.as_completed(asked):
                try:
                    self._learn(await first)
                except StoreAway:
                    continue
                return
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        raise StoreAway("no node of the cluster answers")

    def _learn(self, found: Topology) -> None:
        before, self._topology = self._topology, found
        if before.servers:
            for server in found.concerned(before):
                self._moved(server)

    async def probe(self, server: str, key: str) -> None:
        """Look at the cluster anew; return if `key` is another's now, or its node works; raises `StoreAway`."""
        await self.find()
        owner = self.server(key)
        if owner == UNKNOWN:
            raise StoreAway("the slot belongs to no server")
        if owner == server:
            await self.node(server).probe(key)

    async def close(self) -> None:
        """Give back every connection."""
        for node in self._nodes.values():
            await node.close()
