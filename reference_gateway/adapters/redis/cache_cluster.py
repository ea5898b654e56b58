"""The cache's keys on a Redis Cluster: each on its own node, and each node's loss its own.

As with the limiter's windows, the nodes are found here: redis-py's cluster client closes the connections to all of them
when one is lost.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from redis.exceptions import MovedError

from reference_gateway.adapters.redis.topology import UNKNOWN, Topology
from reference_gateway.core.limiter import StoreAway

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reference_gateway.adapters.redis.cache_server import CacheServer
    from reference_gateway.adapters.redis.courier import Reply, Word

REDIRECTS_MAX = 1
"""How often a word follows a slot that moved: after a look at the cluster the second answer is right, or none is."""


class CacheCluster:
    """The port `Servers` over the primaries of a cluster."""

    def __init__(self, seeds: Sequence[str], connect: Callable[[str], CacheServer]) -> None:
        """`seeds` are host:port of any nodes; `connect` opens one of that name, without a wait."""
        self._seeds = tuple(seeds)
        self._connect = connect
        self._nodes: dict[str, CacheServer] = {}
        self._topology = Topology()

    def server(self, key: str) -> str:
        """Name the primary of a key, or `UNKNOWN` before the cluster was first found."""
        return self._topology.server(key)

    async def run(self, server: str, words: Sequence[Word]) -> list[Reply | Exception]:
        """Run the script for each word; raises `StoreAway`."""
        if server != UNKNOWN:
            return await self._run(server, words, REDIRECTS_MAX)
        await self._find()
        return await self._spread(words, REDIRECTS_MAX)

    async def _run(self, server: str, words: Sequence[Word], redirects: int) -> list[Reply | Exception]:
        replies = await self._node(server).run(server, words)
        moved = [index for index, reply in enumerate(replies) if isinstance(reply, MovedError)]
        if moved and redirects:
            await self._find()
            again = await self._spread([words[index] for index in moved], redirects - 1)
            for index, reply in zip(moved, again, strict=True):
                replies[index] = reply
        return replies

    async def _spread(self, words: Sequence[Word], redirects: int) -> list[Reply | Exception]:
        """Ask each node for its own keys, side by side."""
        shares: dict[str, list[int]] = {}
        for index, word in enumerate(words):
            shares.setdefault(self.server(word.key), []).append(index)
        if UNKNOWN in shares:
            raise StoreAway("some slots belong to no server")
        runs = (self._run(name, [words[index] for index in share], redirects) for name, share in shares.items())
        replies: dict[int, Reply | Exception] = {}
        for share, told in zip(shares.values(), await asyncio.gather(*runs), strict=True):
            replies.update(zip(share, told, strict=True))
        return [replies[index] for index in range(len(words))]

    async def probe(self, server: str, key: str) -> None:
        """Look at the cluster anew; return if `key` is another's now, or its node works; raises `StoreAway`."""
        await self._find()
        owner = self.server(key)
        if owner == UNKNOWN:
            raise StoreAway("the slot belongs to no server")
        if owner == server:
            await self._node(server).probe(server, key)

    async def _find(self) -> None:
        """Ask all nodes that we know of at once, and believe the first: one that hangs must not cost the budget."""
        names = dict.fromkeys((*self._topology.servers, *self._seeds))
        asked = [asyncio.create_task(self._node(name).topology()) for name in names]
        try:
            for first in asyncio.as_completed(asked):
                try:
                    self._topology = await first
                except StoreAway:
                    continue
                return
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        raise StoreAway("no node of the cluster answers")

    def _node(self, name: str) -> CacheServer:
        if name not in self._nodes:
            self._nodes[name] = self._connect(name)
        return self._nodes[name]

    async def close(self) -> None:
        """Give back every connection."""
        for node in self._nodes.values():
            await node.close()
