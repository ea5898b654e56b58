"""A script's keys on a Redis Cluster: each on its own node, each node's keys in one write, each node's loss its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from redis.exceptions import AskError, MovedError

from reference_gateway.adapters.redis.topology import UNKNOWN
from reference_gateway.core.limiter import StoreAway

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.adapters.redis.nodes import Nodes
    from reference_gateway.adapters.redis.script_server import ScriptServer
    from reference_gateway.adapters.redis.words import Reply, Word

REDIRECTS_MAX = 1
"""How often a word follows a slot that moved: after a look at the cluster the second answer is right, or none is."""


class ScriptCluster:
    """The port `Servers` over the primaries of a cluster."""

    def __init__(self, nodes: Nodes[ScriptServer]) -> None:
        self._nodes = nodes

    def server(self, key: str) -> str:
        """Name the primary of a key, or `UNKNOWN` before the cluster was first found."""
        return self._nodes.server(key)

    async def run(self, server: str, words: Sequence[Word]) -> list[Reply | Exception]:
        """Run the script for each word; raises `StoreAway`."""
        if server != UNKNOWN:
            return await self._run(server, words, REDIRECTS_MAX)
        await self._nodes.find()
        return await self._spread(words, REDIRECTS_MAX)

    async def _run(self, server: str, words: Sequence[Word], redirects: int) -> list[Reply | Exception]:
        replies = await self._nodes.node(server).run(words)
        for index, reply in enumerate(replies):
            if isinstance(reply, AskError) and redirects:
                replies[index] = await self._ask_importer(words[index], reply)
        moved = [index for index, reply in enumerate(replies) if isinstance(reply, MovedError)]
        if moved and redirects:
            await self._nodes.find()
            again = await self._spread([words[index] for index in moved], redirects - 1)
            for index, reply in zip(moved, again, strict=True):
                replies[index] = reply
        return replies

    async def _ask_importer(self, word: Word, where: AskError) -> Reply | Exception:
        """Ask the node that the key went to already while its slot is still on the way."""
        (reply,) = await self._nodes.node(f"{where.host}:{where.port}").run([word], asking=True)
        return reply

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
        """Return if `server` works, or `key` is another's now; raises `StoreAway`."""
        await self._nodes.probe(server, key)

    async def close(self) -> None:
        """Give back every connection."""
        await self._nodes.close()
