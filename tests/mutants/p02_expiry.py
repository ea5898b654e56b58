"""Mistakes about how long something is fresh."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.engine.little_parts import Entry, Flight, Instance, Part
from tests.engine.little_reads import LittleReads

if TYPE_CHECKING:
    from gatespec.read_ports import Asked
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


class FailureExtendsFreshness(LittleReads):
    """A refresh that failed lets the old offers count as fresh for another TTL."""

    kills = "P02"

    def lead(self, instance: Instance, name: str, flight: Flight, token: object) -> Task:
        yield from super().lead(instance, name, flight, token)
        known = self.l1.get(name)
        if flight.entry is None and known:
            self.l1[name] = instance.l2[name] = replace(known, fetched_ms=self.now)


class OneMsTooLong(LittleReads):
    """The second instance's expiry is a ms late."""

    kills = "P02"

    def look(self, instance: Instance, name: str) -> Task:
        if instance.number and (mine := instance.l2.get(name)) and self.now == self.expires(mine):
            return mine, (self.member("l2", mine),)
        return (yield from super().look(instance, name))

    def read(self, instance: Instance, name: str, parts: dict[str, Part]) -> Task:
        mine = instance.l2.get(name)
        if instance.number and mine and self.now == self.expires(mine):
            parts[name] = Part(mine, "", (self.member("l2", mine),))
            return
        yield from super().read(instance, name, parts)


class DatedLater(LittleReads):
    """What goes to L1 is dated by when its call would have been over once more."""

    kills = "P02"

    def write(self, name: str, entry: Entry, token: object) -> bool:
        return super().write(name, replace(entry, fetched_ms=entry.fetched_ms + entry.delta_ms + 1), token)


class CatalogueFromItsOwnTtl(LittleReads):
    """The catalogue is kept for a static TTL from when it was made, however old its lists were then."""

    kills = "P02"
    kept: Any = None

    def catalogue(self, instance: Instance, asked: Asked) -> Task:
        if self.kept and self.now < self.kept[0]:
            self.say(asked, 200, self.kept[1], cache_status="l2; hit")
            return
        yield from super().catalogue(instance, asked)

    def say(self, asked: Asked, status: int, body: Any, **fields: str) -> None:  # noqa: ANN401 - JSON
        super().say(asked, status, body, **fields)
        if asked.path.endswith("/catalog") and not body["warnings"] and "miss" in fields["cache_status"]:
            self.kept = self.now + self.static, body


class SecondProviderNeverExpires(LittleReads):
    """Of several providers only the first's age is looked at."""

    kills = "P02"

    def gather(self, instance: Instance, names: list[str], parts: dict[str, Part], last_ms: int) -> Task:
        for name in names[1:]:
            if mine := instance.l2.get(name):
                parts[name] = Part(mine, "", ())
        yield from super().gather(instance, [n for n in names if n not in parts], parts, last_ms)


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
    FailureExtendsFreshness,
    OneMsTooLong,
    DatedLater,
    CatalogueFromItsOwnTtl,
    SecondProviderNeverExpires,
]
