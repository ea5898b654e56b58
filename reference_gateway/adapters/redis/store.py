"""Windows on a single Redis server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.adapters.redis.server import RedisServer
    from reference_gateway.core.limiter import Ask
    from reference_gateway.core.window import Decision


class RedisWindowStore:
    """The port `WindowStore` with one server for all keys: one script call decides on a whole batch."""

    def __init__(self, name: str, server: RedisServer) -> None:
        self._name = name
        self._server = server

    def server(self, key: str) -> str:  # noqa: ARG002 - the port asks by key; here all go to one
        """Name the one server."""
        return self._name

    async def decide(self, server: str, asks: Sequence[Ask]) -> list[Decision]:  # noqa: ARG002 - as above
        """Decide on all asks in their order; raises `StoreAway`, or `Late`, which is one."""
        return await self._server.decide(asks)

    async def probe(self, server: str, key: str) -> None:  # noqa: ARG002 - as above
        """Return if the server works; raises `StoreAway`."""
        await self._server.probe(key)

    async def close(self) -> None:
        """Give back every connection."""
        await self._server.close()
