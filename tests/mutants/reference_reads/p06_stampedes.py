"""Mistakes about who asks the provider, and who waits for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reference_gateway.adapters.redis.stepped_cache import MemoryCache
from reference_gateway.conformance.reads import Reads
from reference_gateway.core.cache.entry import HOUSE, key_of
from reference_gateway.core.cache.refreshes import Refreshes
from reference_gateway.core.cache.tiers import MultiTierCache, Pending
from tests.mutants.reference_reads.assembly import FOR_EVER_MS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reference_gateway.core.cache.entry import Entry, Lifetimes
    from reference_gateway.core.cache.flight import Flight
    from reference_gateway.core.cache.ports import Lease, Told
    from reference_gateway.core.cache.shared_key import Ask
    from reference_gateway.core.cache.shown import Shown

REMEMBERED_MS = 10_000


class NoSingleFlight(Refreshes):
    """Everybody who finds nothing asks the provider."""

    kills = "P06"

    def join(self, key: str, reason: str, *, newer_than: int = 0, polled: bool = False) -> tuple[Flight, bool]:
        self._flights.pop(key, None)
        return super().join(key, reason, newer_than=newer_than, polled=polled)

    async def _newer(self, flight: Flight) -> Entry:
        try:
            return await self._alone(flight)
        finally:
            self._flights[flight.key] = flight


class PerInstanceOnly(MemoryCache):
    """Flights are shared within a process, and everybody who asks for the lease has it."""

    kills = "P06"

    def ask(self, asked: Ask, now_ms: int) -> Told:
        self._keys[asked.key] = replace(self._keys[asked.key], lease=None)
        return super().ask(asked, now_ms)


class LeaseForEver(MemoryCache):
    """A lease ends when its leader gives it back, and never by itself."""

    kills = "P06"

    def ask(self, asked: Ask, now_ms: int) -> Told:
        return super().ask(replace(asked, lease_ms=FOR_EVER_MS), now_ms)


class LateWriteAccepted(MemoryCache):
    """A leader writes what it brings home, whoever has led since."""

    kills = "P06"

    def write(self, lease: Lease, entry: Entry, stored: bytes, now_ms: int) -> bool:
        del stored, now_ms
        self._keys[lease.key] = replace(self._keys[lease.key], entry=entry, lease=None)
        return True


class LateWriteUntold(MemoryCache):
    """A leader whose write was refused is not told, and keeps what it brought home for itself."""

    kills = "P06"

    def write(self, lease: Lease, entry: Entry, stored: bytes, now_ms: int) -> bool:
        super().write(lease, entry, stored, now_ms)
        return True


class LosersWait(MultiTierCache):
    """Everybody waits for the new offers, though the old ones are good enough."""

    kills = "P06"

    def _meanwhile(self, pending: Pending) -> Shown | None:
        held = self._held(pending)
        return super()._meanwhile(pending) if held is not None and held.outdated else None


class InvalidationBlocks(MultiTierCache):
    """The readers of an invalidated key wait for the new offers."""

    kills = "P06"

    def _meanwhile(self, pending: Pending) -> Shown | None:
        held = self._held(pending)
        return None if held is not None and held.outdated else super()._meanwhile(pending)


class InvalidationForgotten(Reads):
    """An invalidation reaches only L1 and the instance that was asked."""

    kills = "P06"

    def tell(self, key: str, news: str, floor: int) -> None:
        if news != "outdated":
            super().tell(key, news, floor)


class NotRefreshed(MultiTierCache):
    """An invalidated key waits for its next reader; nobody refreshes it in the background."""

    kills = "P06"

    async def _renew(self, key: str) -> None:
        self._renewing.discard(key)


class FailuresCached(MemoryCache):
    """After a failed call nobody asks again for a while."""

    kills = "P06"

    def release(self, lease: Lease, now_ms: int) -> None:
        self.renew(lease, REMEMBERED_MS, now_ms)


class StaleAsLongAsKnown(MultiTierCache):
    """Nobody ever waits where anything is known, be it as old as it may."""

    kills = "P06"

    def _meanwhile(self, pending: Pending) -> Shown | None:
        held = self._held(pending)
        return None if held is None else self._shown_of(pending, held)


class NeverEarly(MultiTierCache):
    """A key is refreshed when it has expired."""

    kills = "P06"

    def refresh_early(self, entries: Mapping[str, Entry], lifetimes: Lifetimes) -> None:
        """Leave them."""


class EarlyReadersWait(MultiTierCache):
    """Whoever comes while a key is refreshed early waits for it, though it is fresh."""

    kills = "P06"

    def begin(self, provider: str, *, owner: str = HOUSE, ttl_ms: int | None = None) -> Shown | Pending:
        found, flight = (
            super().begin(provider, owner=owner, ttl_ms=ttl_ms),
            self.refreshes.current(key_of(provider, owner)),
        )
        if isinstance(found, Pending) or flight is None:
            return found
        return Pending(flight, began=False, lifetimes=self.lifetimes, forward="stale")

    def _meanwhile(self, pending: Pending) -> Shown | None:
        shown = super()._meanwhile(pending)
        return None if shown is None or shown.state == "fresh" else shown


MUTANTS: list[Any] = [
    NoSingleFlight,
    PerInstanceOnly,
    LeaseForEver,
    LateWriteAccepted,
    LateWriteUntold,
    LosersWait,
    InvalidationBlocks,
    InvalidationForgotten,
    NotRefreshed,
    FailuresCached,
    StaleAsLongAsKnown,
    NeverEarly,
    EarlyReadersWait,
]
