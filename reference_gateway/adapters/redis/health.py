"""Which servers are away: known once for all that this process asks of them, so that no request pays for it twice."""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING

from reference_gateway.adapters.redis.budget import Budget
from reference_gateway.core.limiter import StoreAway

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

PROBE_EVERY_S = 0.1
"""How often a server that is away is tried: beside any outage this is short, and it costs one command."""

SPENT_US = 10_000_000
"""How long a request that waited in vain waits no more: longer than any request lasts. Work that goes on for longer, as
a poller's does, is not one request."""

log = logging.getLogger(__name__)


class Health:
    """One server: whether it is away, and since when it is back, or has other slots."""

    def __init__(self, server: str, budget: Budget, on_back: Callable[[str], None]) -> None:
        self._server = server
        self._budget = budget
        self._on_back = on_back
        self.away = False
        self.back_us: int | None = None

    def lose(self, error: StoreAway, probe: Callable[[], Coroutine[object, object, None]]) -> None:
        """Let nobody wait for the server any more, and look for it in the background."""
        if not self.away:
            self.away = True
            log.warning("Redis %s is away, each instance goes by itself: %s", self._server, error)
            self._budget.start(self._look_for_it(probe))

    async def _look_for_it(self, probe: Callable[[], Coroutine[object, object, None]]) -> None:
        """Probe until the server answers; ends with it, or with `close`."""
        while self.away:
            try:
                await self._budget.spend(probe())
            except StoreAway:
                await asyncio.sleep(PROBE_EVERY_S)
            else:
                self.back_us = self._budget.now_us()
                self.away = False
                log.warning("Redis %s is back", self._server)
                self._on_back(self._server)

    def may_have_missed(self) -> None:
        """Take note that it may not know what was counted before now: slots went over, perhaps by a failover."""
        if not self.away:
            self.back_us = self._budget.now_us()

    def close(self) -> None:
        """Ask nothing of it any more."""
        self.away = True


class Healths:
    """Every server that was ever asked; all of one process share it."""

    def __init__(self, budget_us: int, now_us: Callable[[], int]) -> None:
        self.budget = Budget(budget_us, now_us)
        self._servers: dict[str, Health] = {}
        self._listeners: list[Callable[[str], None]] = []
        self._spent: ContextVar[tuple[int, int] | None] = ContextVar("spent in vain", default=None)
        self._returns = 0

    def of(self, server: str) -> Health:
        """Return a server's health, by its name host:port."""
        health = self._servers.get(server)
        if health is None:
            health = self._servers[server] = Health(server, self.budget, self._back)
        return health

    def moved(self, server: str) -> None:
        """Take note that slots went over to or from a server."""
        self.of(server).may_have_missed()

    @property
    def away(self) -> tuple[str, ...]:
        """Which servers are away now."""
        return tuple(name for name, health in self._servers.items() if health.away)

    def spent_in_vain(self) -> None:
        """Take note that the request whose context this is has waited for a server that did not answer."""
        self._spent.set((self._returns, self.budget.now_us()))

    @property
    def has_budget(self) -> bool:
        """Whether this request may still wait for a server.

        On a cluster it asks one server for its window and another for its key: together they may cost it one budget.
        Where a server has come back since, there is something new to hope for.
        """
        spent = self._spent.get()
        return spent is None or spent[0] != self._returns or self.budget.now_us() - spent[1] > SPENT_US

    def on_back(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the name of each server that answers again."""
        self._listeners.append(listener)

    def _back(self, server: str) -> None:
        self._returns += 1
        for listener in self._listeners:
            listener(server)

    async def close(self) -> None:
        """End all probes."""
        for health in self._servers.values():
            health.close()
        await self.budget.close()
