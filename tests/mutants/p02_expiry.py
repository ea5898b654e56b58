"""Mistakes about how long something is fresh."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.engine.little_reads import Entry, Instance, LittleReads

if TYPE_CHECKING:
    from tests.engine.virtual_tasks import Task

STATIC_MS = 300_000


class ServedAfterExpiry(LittleReads):
    """L2 never looks at the age of what it holds."""

    kills = "P02"

    def look(self, instance: Instance, name: str) -> Task:
        if entry := instance.l2.get(name):
            instance.l2[name] = replace(entry, fetched_ms=self.now)
        return (yield from super().look(instance, name))


class StaticTtl(LittleReads):
    """Prices are kept as long as the catalogue."""

    kills = "P02"

    def expires(self, entry: Entry) -> int:
        return entry.fetched_ms + STATIC_MS


class L2OutlivesL1(LittleReads):
    """What L1 gives is kept in L2 for a whole TTL from then on."""

    kills = "P02"

    def look(self, instance: Instance, name: str) -> Task:
        mine = instance.l2.get(name)
        found, tiers = yield from super().look(instance, name)
        if tiers[0].startswith("l1; hit") and instance.l2[name] is not mine:
            instance.l2[name] = replace(found, fetched_ms=self.now)
        return found, tiers


class SlidingTtl(LittleReads):
    """Each read lets an entry live for another TTL."""

    kills = "P02"

    def look(self, instance: Instance, name: str) -> Task:
        found, tiers = yield from super().look(instance, name)
        if self.is_fresh(found):
            instance.l2[name] = replace(found, fetched_ms=self.now)
        return found, tiers


class ClosedExpiry(LittleReads):
    """At the moment of its expiry an entry still counts as fresh."""

    kills = "P02"

    def expires(self, entry: Entry) -> int:
        return super().expires(entry) + 1


class MarkedTooSoon(LittleReads):
    """What is older than half a TTL is shown as stale, to be on the safe side."""

    kills = "P02"

    def warning_for(self, entry: Entry) -> str:
        return "stale" if self.now - entry.fetched_ms > self.ttl // 2 else super().warning_for(entry)


class OverstatedTtl(LittleReads):
    """Cache-Status says the whole TTL, whatever is left of it."""

    kills = "P02"

    def member(self, tier: str, entry: Entry) -> str:
        del entry
        return f"{tier}; hit; ttl={self.ttl // 1000}"


class CatalogueNeverRefreshed(LittleReads):
    """The catalogue is made of whatever lists there are, however old."""

    kills = "P02"

    def is_young(self, entry: Entry) -> bool:
        del entry
        return True


class CatalogueMarkedWithPrices(LittleReads):
    """The catalogue's lists count as stale when their prices do."""

    kills = "P02"

    def calls_stale(self, entry: Entry) -> bool:
        return not self.is_fresh(entry)


MUTANTS: list[Any] = [
    ServedAfterExpiry,
    StaticTtl,
    L2OutlivesL1,
    SlidingTtl,
    ClosedExpiry,
    MarkedTooSoon,
    OverstatedTtl,
    CatalogueNeverRefreshed,
    CatalogueMarkedWithPrices,
]
