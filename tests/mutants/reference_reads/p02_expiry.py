"""Mistakes about how long something is fresh."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reference_gateway.conformance.reads import Reads
from reference_gateway.core.cache.entry import HOUSE, key_of
from reference_gateway.core.cache.l2 import L2InMemoryCache
from reference_gateway.core.cache.refreshes import Refreshes
from reference_gateway.core.cache.tiers import MultiTierCache
from tests.mutants.reference_reads.assembly import FOR_EVER_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.conformance.instances import Instance
    from reference_gateway.core.cache.entry import Held, Lifetimes
    from reference_gateway.core.cache.flight import Flight
    from reference_gateway.core.cache.ports import Told
    from reference_gateway.core.cache.shown import Shown
    from reference_gateway.core.cache.tiers import Pending


class ServedAfterExpiry(MultiTierCache):
    """L2 never looks at the age of the lists that it holds."""

    kills = "P02"

    def begin(self, provider: str, *, owner: str = HOUSE, ttl_ms: int | None = None) -> Shown | Pending:
        held = self.l2.get(key_of(provider, owner), self._runtime.now_ms())
        if held is None or ttl_ms is not None:
            return super().begin(provider, owner=owner, ttl_ms=ttl_ms)
        return replace(self._from_l2(provider, held, self.lifetimes), state="fresh", code=None)


class StaticTtl(Reads):
    """Prices are kept as long as the catalogue."""

    kills = "P02"

    async def find(
        self, instance: Instance, names: Sequence[str], until_ms: int, ttl_ms: int | None = None
    ) -> list[Shown]:
        return await super().find(instance, names, until_ms, ttl_ms or self.static_ttl_ms())


class L2OutlivesL1(Refreshes):
    """What L1 gives is kept in L2 for a whole TTL from then on."""

    kills = "P02"

    async def _ask(self, flight: Flight) -> Told | None:
        told = await super()._ask(flight)
        if told is not None and told.fresh and told.held is not None:
            entry = replace(told.held.entry, taken_ms=self._runtime.now_ms())
            self._keep(flight.key, replace(told.held, entry=entry))
        return told


class SlidingTtl(L2InMemoryCache):
    """Each read lets an entry live for another TTL."""

    kills = "P02"

    def get(self, key: str, now_ms: int) -> Held | None:
        if held := super().get(key, now_ms):
            self.put(key, replace(held, entry=replace(held.entry, taken_ms=now_ms)))
        return held


class ClosedExpiry(MultiTierCache):
    """At the moment of its expiry an entry still counts as fresh."""

    kills = "P02"

    def begin(self, provider: str, *, owner: str = HOUSE, ttl_ms: int | None = None) -> Shown | Pending:
        return super().begin(provider, owner=owner, ttl_ms=(ttl_ms or self.lifetimes.ttl_ms) + 1)


class OverstatedTtl(MultiTierCache):
    """Cache-Status says the whole TTL, whatever is left of it."""

    kills = "P02"

    def _from_l2(self, provider: str, held: Held, lifetimes: Lifetimes) -> Shown:
        shown = super()._from_l2(provider, held, lifetimes)
        return replace(shown, steps=tuple(replace(step, ttl_ms=lifetimes.ttl_ms) for step in shown.steps))


class CatalogueNeverRefreshed(Reads):
    """The catalogue is made of whatever lists there are, however old."""

    kills = "P02"

    def static_ttl_ms(self) -> int:
        return FOR_EVER_MS


class CatalogueExpiresWithPrices(Reads):
    """The catalogue's lists count as stale when their prices do."""

    kills = "P02"

    def static_ttl_ms(self) -> int:
        return self.times.lifetimes.ttl_ms


MUTANTS: list[Any] = [
    ServedAfterExpiry,
    StaticTtl,
    L2OutlivesL1,
    SlidingTtl,
    ClosedExpiry,
    OverstatedTtl,
    CatalogueNeverRefreshed,
    CatalogueExpiresWithPrices,
]
