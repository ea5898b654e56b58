"""Who fetches, and when the result counts: one flight a key in this process, one lease a key over all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reference_gateway.core.cache.entry import Entry, Held
from reference_gateway.core.cache.flight import Flight
from reference_gateway.core.cache.ports import CallFailed
from reference_gateway.core.limiter import StoreAway

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_gateway.core.cache.ports import Fetched, Gate, L1Store, Lease, Observer, Provider, Runtime, Told

POLL_MS = 250
"""How often a follower looks by itself: it is told of what the leader does, but a message can be lost."""
PATIENCE_MS = 30_000
"""How long a flight goes on at most: longer than any request waits for it."""
RENEWALS = 3
"""In each lease's time: two may be lost before a leader that works is robbed."""

NOT_POLLED = "not-polled"
"""The failure of a read that may not call: no poll has brought anything newer yet."""


class Outside(NamedTuple):
    """What a flight meets."""

    l1: L1Store
    provider: Provider
    runtime: Runtime
    observer: Observer


class Refreshes:
    """The flights of one instance."""

    def __init__(
        self,
        outside: Outside,
        lease_ms: int,
        *,
        keep: Callable[[str, Held], None],
        epoch_of: Callable[[str], int],
    ) -> None:
        """`keep` fills L2; `epoch_of` says which epoch it holds of a key, 0 where none."""
        self._l1, self._provider, self._runtime, self._observer = outside
        self._lease_ms = lease_ms
        self._keep = keep
        self._epoch_of = epoch_of
        self._flights: dict[str, Flight] = {}
        self._heard = 0

    def current(self, key: str) -> Flight | None:
        """Return the flight of a key, if there is one."""
        return self._flights.get(key)

    def join(self, key: str, reason: str, *, newer_than: int = 0, polled: bool = False) -> tuple[Flight, bool]:
        """Return the key's flight, and whether it was begun by this."""
        if (flight := self._flights.get(key)) is not None:
            return flight, False
        flight = self._flights[key] = Flight(key, self._runtime, newer_than, polled=polled)
        self._observer.refresh(reason)
        self._runtime.start(self._fly(flight))
        return flight, True

    def mark(self, key: str, floor: int | None) -> None:
        """Tell the key's flight that what was fetched up to `floor` (None: up to now) is outdated."""
        self._heard = max(self._heard, floor or 0)
        if (flight := self._flights.get(key)) is not None:
            flight.mark(floor)

    def news(self, key: str) -> None:
        """Let the key's flight look again: its leader is through."""
        if (flight := self._flights.get(key)) is not None:
            flight.news.open()

    async def _fly(self, flight: Flight) -> None:
        entry, failure = None, CallFailed("ended")
        try:
            entry = await self._newer(flight)
        except CallFailed as failed:
            failure = failed
        finally:
            del self._flights[flight.key]
            flight.land(entry, None if entry else failure)

    async def _newer(self, flight: Flight) -> Entry:
        """Get an entry from wherever the next one comes from; raises `CallFailed`."""
        while self._runtime.now_ms() < flight.begun_ms + PATIENCE_MS:
            news = flight.listen()
            told = await self._ask(flight)
            if told is None:
                return await self._alone(flight)
            if told.fresh and told.held is not None:
                flight.tier = "l1"
                return told.held.entry
            entry = await self._take_turn(flight, told, news)
            if entry is not None:
                return entry
        raise CallFailed("busy", "timeout")

    async def _take_turn(self, flight: Flight, told: Told, news: Gate) -> Entry | None:
        """Lead where the lease is ours, else wait for the leader; None: look again."""
        if not self._may_call(flight):
            if told.lease is not None:
                await self._give_back(told.lease)
            raise CallFailed(NOT_POLLED)
        if told.lease is not None:
            return await self._lead(flight, told.lease)
        self._observer.lease("followed")
        flight.follow()
        await news.passed(min(told.busy_ms, POLL_MS))
        return None

    async def _ask(self, flight: Flight) -> Told | None:
        """Ask L1; None where it is away. What it has is kept, be it only to be shown meanwhile."""
        asked_ms, have = self._runtime.now_ms(), self._epoch_of(flight.key)
        try:
            told = await self._l1.ask(flight.key, newer_than=flight.newer_than, have=have)
        except StoreAway:
            return None
        flight.asked_ms = asked_ms
        self._heard = max(self._heard, told.newest)
        flight.l1_forward = "stale" if have or told.held else "miss"
        self._observer.lookup("l1", "hit" if told.fresh else flight.l1_forward)
        if told.held is not None and (told.held.outdated or told.held.entry.epoch != have):
            self._keep(flight.key, told.held)
        return told

    async def _alone(self, flight: Flight) -> Entry:
        """Fetch for this instance only, under the newest epoch that it ever heard of.

        They begin at the store's clock: what was invalidated before we lost it is not above that, what is later is.
        """
        if not self._may_call(flight):
            raise CallFailed(NOT_POLLED)
        self._observer.lease("alone")
        flight.turn(None)
        taken_ms = self._runtime.now_ms()
        fetched = await self._provider.fetch(flight.key, polled=flight.polled)
        entry = self._entry(fetched, taken_ms, taken_ms, self._heard)
        return self._landed(flight, entry)

    async def _lead(self, flight: Flight, lease: Lease) -> Entry | None:
        """Fetch for all instances; None where the lease was lost meanwhile, and with it the right to tell."""
        self._observer.lease("led")
        flight.turn(lease)
        begun_ms = self._runtime.now_ms()
        fetched = await self._fetch_under(lease, polled=flight.polled)
        taken_ms = begun_ms if flight.asked_ms is None else flight.asked_ms
        entry = self._entry(fetched, taken_ms, begun_ms, lease.epoch)
        if not await self._write(lease, entry, fetched.stored):
            self._observer.lease("refused")
            return None
        return self._landed(flight, entry)

    def _may_call(self, flight: Flight) -> bool:
        """Whether this flight may end in a call: of some providers only a poll's may."""
        return flight.polled or not self._provider.polled_only(flight.key)

    def _entry(self, fetched: Fetched, taken_ms: int, begun_ms: int, epoch: int) -> Entry:
        took_ms = self._runtime.now_ms() - begun_ms
        return Entry(fetched.offers, len(fetched.stored), fetched.as_of_ms, taken_ms, took_ms, epoch)

    def _landed(self, flight: Flight, entry: Entry) -> Entry:
        flight.tier = "provider"
        self._keep(flight.key, Held(entry, flight.outdated))
        return entry

    async def _fetch_under(self, lease: Lease, *, polled: bool) -> Fetched:
        """Call, and hold the lease as long as that takes; whatever ends the call otherwise gives the lease back."""
        ended = self._runtime.gate()
        self._runtime.start(self._renew(lease, ended))
        try:
            return await self._provider.fetch(lease.key, polled=polled)
        except BaseException:
            await self._give_back(lease)
            raise
        finally:
            ended.open()

    async def _renew(self, lease: Lease, ended: Gate) -> None:
        """Keep others from taking a leader that works for a silent one."""
        every_ms = max(1, self._lease_ms // RENEWALS)
        try:
            while not await ended.passed(every_ms):
                if not await self._l1.renew(lease):
                    return
        except StoreAway:
            return

    async def _write(self, lease: Lease, entry: Entry, stored: bytes) -> bool:
        """Fill L1; where it is away, L2 alone is filled."""
        try:
            return await self._l1.write(lease, entry, stored)
        except StoreAway:
            return True

    async def _give_back(self, lease: Lease) -> None:
        try:
            await self._l1.release(lease)
        except StoreAway:
            return
