"""The limiter that the edge holds: exact over all instances by the shared store, exact per instance without it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from reference_gateway.adapters.redis.route import Route
from reference_gateway.core.identity import window_key
from reference_gateway.core.limiter import Ask, LocalWindows, StoreAway

if TYPE_CHECKING:
    from reference_gateway.adapters.redis.health import Healths
    from reference_gateway.core.identity import Identity
    from reference_gateway.core.limiter import Policy, WindowStore
    from reference_gateway.core.window import Decision

START_S = 1.0
"""How long the start of an instance waits for Redis, once."""
START_KEY = "rl:start"
"""A window of nobody's."""


class SlidingWindowRateLimiter:
    """Admits each identity at most `policy.limit` times in any window; never raises for the store's sake.

    All asks of one event-loop tick travel to each server in one call. An ask waits for the store at most the budget,
    and not at all once the store is known to be away. It belongs to one event loop.
    """

    def __init__(self, store: WindowStore, healths: Healths, *, local: LocalWindows | None = None) -> None:
        """`healths` is shared with whatever else of this process asks the same servers."""
        self._store = store
        self._healths = healths
        self._local = LocalWindows() if local is None else local
        self._routes: dict[str, Route] = {}

    async def start(self) -> None:
        """Meet the store before the first request, whose budget is too short to connect in on a busy machine.

        Not needed: a store that does not answer within `START_S` is met later.
        """
        with suppress(StoreAway, TimeoutError):
            async with asyncio.timeout(START_S):
                await self._store.probe(self._store.server(START_KEY), START_KEY)

    async def admit(self, identity: Identity, policy: Policy) -> Decision:
        """Decide on one request, and count it if it is admitted."""
        ask = Ask(window_key(identity), policy.limit, policy.window_us)
        return await self._route(self._store.server(ask.key)).decide(ask)

    @property
    def away(self) -> tuple[str, ...]:
        """Which servers of the store are away now; limits of their identities hold per instance."""
        return self._healths.away

    def _route(self, server: str) -> Route:
        route = self._routes.get(server)
        if route is None:
            route = self._routes[server] = Route(server, self._store, self._local, self._healths)
        return route

    async def close(self) -> None:
        """Answer who still waits, end all probes, give back the connections."""
        await self._healths.close()
        for route in self._routes.values():
            route.close()
        await self._store.close()
