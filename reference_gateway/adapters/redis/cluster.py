"""Windows on a Redis Cluster: each key on its own server, each server's keys in one write, each server's loss its own.

Identities have no hash tags, so keys spread over all slots, and one script call can take only one of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from redis.exceptions import AskError, MovedError

from reference_gateway.adapters.redis.script import in_order
from reference_gateway.adapters.redis.topology import UNKNOWN
from reference_gateway.core.limiter import StoreAway

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reference_gateway.adapters.redis.nodes import Nodes
    from reference_gateway.adapters.redis.server import RedisServer, Turns
    from reference_gateway.core.limiter import Ask
    from reference_gateway.core.window import Decision

REDIRECTS_MAX = 1
"""How often one ask follows a slot that moved: after a look at the cluster the second answer is right, or none is."""


class RedisClusterWindowStore:
    """The port `WindowStore` over the primaries of a cluster."""

    def __init__(self, nodes: Nodes[RedisServer]) -> None:
        self._nodes = nodes

    def server(self, key: str) -> str:
        """Name the primary that decides on `key`, or `UNKNOWN` before the cluster was first found."""
        return self._nodes.server(key)

    async def decide(self, server: str, asks: Sequence[Ask]) -> list[Decision]:
        """Decide on all asks, one call per key, in one write to the server; raises `StoreAway`."""
        asked = Counter(asks)
        if server != UNKNOWN:
            return in_order(asks, await self._turns(server, asked, REDIRECTS_MAX))
        await self._nodes.find()
        return in_order(asks, await self._spread(asked, REDIRECTS_MAX))

    async def _spread(self, asked: Mapping[Ask, int], redirects: int) -> Turns:
        """Ask each server for its own keys, side by side."""
        shares: dict[str, dict[Ask, int]] = {}
        for ask, times in asked.items():
            shares.setdefault(self.server(ask.key), {})[ask] = times
        if UNKNOWN in shares:
            raise StoreAway("some slots belong to no server")
        found: Turns = {}
        for turns in await asyncio.gather(*(self._turns(name, share, redirects) for name, share in shares.items())):
            found |= turns
        return found

    async def _turns(self, name: str, asked: Mapping[Ask, int], redirects: int) -> Turns:
        server, calls = self._nodes.node(name), [{ask: times} for ask, times in asked.items()]
        sent_us = server.now_us()
        turns: Turns = {}
        moved: dict[Ask, int] = {}
        for call, reply in zip(calls, await server.run(calls), strict=True):
            if isinstance(reply, MovedError) and redirects:
                moved |= call
            elif isinstance(reply, AskError) and redirects:
                turns |= await self._ask_importer(call, reply)
            else:
                turns |= server.read(reply, call, sent_us)
        if moved:
            await self._nodes.find()
            turns |= await self._spread(moved, redirects - 1)
        return turns

    async def _ask_importer(self, call: Mapping[Ask, int], where: AskError) -> Turns:
        """Ask the server that the key went to already while its slot is still on the way."""
        server = self._nodes.node(f"{where.host}:{where.port}")
        sent_us = server.now_us()
        (reply,) = await server.run([call], asking=True)
        return server.read(reply, call, sent_us)

    async def probe(self, server: str, key: str) -> None:
        """Return if `server` works, or `key` is another's now; raises `StoreAway`."""
        await self._nodes.probe(server, key)

    async def close(self) -> None:
        """Give back every connection."""
        await self._nodes.close()
