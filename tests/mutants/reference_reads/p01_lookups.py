"""Mistakes about where a read looks, and what a Redis that is away does to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reference_gateway.adapters.redis.stepped_cache import MemoryCache
from reference_gateway.conformance.reads import Reads
from reference_gateway.conformance.world import Line
from reference_gateway.core.cache.entry import HOUSE, key_of
from reference_gateway.core.cache.refreshes import Refreshes
from reference_gateway.core.cache.tiers import MultiTierCache, Pending
from reference_gateway.core.limiter import StoreAway
from reference_gateway.core.problems import Problem
from tests.mutants.reference_reads.assembly import FOR_EVER_MS

if TYPE_CHECKING:
    from reference_gateway.conformance.asked import Asked
    from reference_gateway.conformance.instances import Instance
    from reference_gateway.core.cache.entry import Entry
    from reference_gateway.core.cache.flight import Flight
    from reference_gateway.core.cache.ports import Lease, Told
    from reference_gateway.core.cache.shared_key import Ask
    from reference_gateway.core.cache.shown import Shown


class RedisBeforeL2(MultiTierCache):
    """Every read asks Redis, and what this process knows is only the fallback."""

    kills = "P01"

    def begin(self, provider: str, *, owner: str = HOUSE, ttl_ms: int | None = None) -> Shown | Pending:
        found = super().begin(provider, owner=owner, ttl_ms=ttl_ms)
        if isinstance(found, Pending):
            return found
        flight, began = self.refreshes.join(key_of(provider, owner), "missing")
        return Pending(flight, began, self.lifetimes, "miss")


class L2NotFilled(Refreshes):
    """What was found in L1 is not kept in L2."""

    kills = "P01"

    async def _ask(self, flight: Flight) -> Told | None:
        keep, self._keep = self._keep, lambda *_: None
        try:
            return await super()._ask(flight)
        finally:
            self._keep = keep


class L1GivesLeasesOnly(MemoryCache):
    """The provider is asked for what L2 has not, though L1 has it."""

    kills = "P01"

    def ask(self, asked: Ask, now_ms: int) -> Told:
        return super().ask(replace(asked, newer_than=FOR_EVER_MS), now_ms)


class L1NotAsked(Refreshes):
    """What L2 has not is asked of the provider at once."""

    kills = "P01"

    async def _ask(self, flight: Flight) -> Told | None:
        del flight
        return None


class L1NotFilled(MemoryCache):
    """What a provider said is kept in L2 alone."""

    kills = "P01"

    def write(self, lease: Lease, entry: Entry, stored: bytes, now_ms: int) -> bool:
        del entry, stored
        self.release(lease, now_ms)
        return True


class FailsWithoutRedis(Reads):
    """A Redis that does not answer is an error of the request."""

    kills = "P01"

    async def read(self, instance: Instance, asked: Asked, until_ms: int) -> tuple[str, bytes | Problem]:
        try:
            await instance.line.reach()
        except StoreAway:
            return "", Problem("internal", "Redis is away")
        return await super().read(instance, asked, until_ms)


class HungEachTime(Line):
    """Every request tries a Redis that hangs anew, and waits its budget for it."""

    kills = "P01"

    def lose(self) -> None:
        if self.store.state != "hanging":
            super().lose()


class NoBudget(Line):
    """A Redis that hangs is waited for as long as a client's library does by itself."""

    kills = "P01"

    def patience_ms(self) -> int:
        return 1_000


class NeverFoundBack(Line):
    """Once away, Redis is away until the process starts anew."""

    kills = "P01"

    async def _look_for_it(self) -> None:
        """Look for nothing."""


MUTANTS: list[Any] = [
    RedisBeforeL2,
    L2NotFilled,
    L1GivesLeasesOnly,
    L1NotAsked,
    L1NotFilled,
    FailsWithoutRedis,
    HungEachTime,
    NoBudget,
    NeverFoundBack,
]
