"""Lists that are fetched though nobody asks: now and then, by one of all instances, as calls like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_gateway.core.upstream.rounds import Round, Rounds, spread_ms

if TYPE_CHECKING:
    from reference_gateway.core.cache.tiers import MultiTierCache

SPREAD_MAX_MS = 10_000
"""The first polls of all providers begin within this: what nobody polled yet, nobody may know."""


class Polls:
    """One instance's; the cache makes the call, under the key's lease, and is filled by it."""

    def __init__(self, cache: MultiTierCache, rounds: Rounds) -> None:
        self._cache = cache
        self._rounds = rounds

    def watch(self, provider: str, every_ms: int) -> None:
        """Poll a provider from now on; 0 is never."""
        name = f"poll:{provider}"

        async def do() -> None:
            await self.poll(provider)

        self._rounds.begin(Round(name, every_ms, spread_ms(name, min(every_ms, SPREAD_MAX_MS)), do))

    async def poll(self, provider: str) -> None:
        """Poll once."""
        await self._cache.poll(provider)
