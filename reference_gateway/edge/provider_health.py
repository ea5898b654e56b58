"""GET /api/v2/providers/health: how each provider and each of its endpoints is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reference_gateway.core.answers import Entry, entry
from reference_gateway.core.upstream.health import About, health_body
from reference_gateway.edge import clock

if TYPE_CHECKING:
    from reference_gateway.edge.provider_calls import ProviderCalls


class ProviderHealth:
    """Looks at what all instances know; all who ask while one looks are answered by that look."""

    def __init__(self, reached: ProviderCalls) -> None:
        self._reached = reached
        self._looking: asyncio.Future[Entry] | None = None

    async def page(self) -> Entry:
        """Everything, as JSON."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look())
        return await asyncio.shield(self._looking)

    async def _look(self) -> Entry:
        about = await asyncio.gather(*map(self._about, self._reached.terms))
        return entry(health_body(about, clock.epoch_ms()))

    async def _about(self, name: str) -> About:
        reached = self._reached
        known = await reached.store.look(name)
        return About(reached.calls.of(name), reached.wires.urls(name), known, reached.metrics.of(name))
