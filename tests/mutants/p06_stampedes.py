"""Mistakes about who asks the provider, and who waits for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.engine.little_parts import Entry, Flight, Instance, Part
from tests.engine.little_reads import LittleReads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.read_ports import Asked
    from tests.engine.virtual_tasks import Task

NEVER_MS = 10**12
REMEMBERED_MS = 10_000


class NoSingleFlight(LittleReads):
    """Everybody who finds nothing asks the provider."""

    kills = "P06"

    def refresh(self, instance: Instance, name: str) -> tuple[Flight, bool]:
        flight = Flight()
        self.tasks.start(instance, self.fly(instance, name, flight))
        return flight, True

    def take_lease(self, name: str, token: object) -> bool:
        self.leases[name] = (token, self.now + self.lease)
        return True


class PerInstanceOnly(LittleReads):
    """Flights are shared within a process, and nobody else is asked for a lease."""

    kills = "P06"

    def take_lease(self, name: str, token: object) -> bool:
        self.leases[name] = (token, self.now + self.lease)
        return True


class OneAfterTheOther(LittleReads):
    """Who waited for the lock does not look again whether the offers have come meanwhile."""

    kills = "P06"

    def follow(self, instance: Instance, name: str, flight: Flight) -> Task:
        yield from super().follow(instance, name, flight)
        flight.entry, flight.over = None, False


class LeaseForEver(LittleReads):
    """A lease ends when its leader gives it back, and never by itself."""

    kills = "P06"

    def take_lease(self, name: str, token: object) -> bool:
        lease, self.lease = self.lease, NEVER_MS
        try:
            return super().take_lease(name, token)
        finally:
            self.lease = lease


class LateWriteAccepted(LittleReads):
    """A leader writes what it brings home, whoever has led since."""

    kills = "P06"

    def write(self, name: str, entry: Entry, token: object) -> bool:
        del token
        self.l1[name] = entry
        return True


class LosersWait(LittleReads):
    """Everybody waits for the new offers, though the old ones are good enough."""

    kills = "P06"

    def good_enough(self, entry: Entry | None) -> bool:
        return entry is not None and entry.invalid and super().good_enough(entry)


class InvalidationBlocks(LittleReads):
    """An invalidated key is gone, and its readers wait for the new offers."""

    kills = "P06"

    def good_enough(self, entry: Entry | None) -> bool:
        return entry is not None and not entry.invalid and super().good_enough(entry)


class InvalidationForgotten(LittleReads):
    """An invalidation reaches only L1 and the instance that was asked."""

    kills = "P06"

    def holders(self, instance: Instance) -> list[dict[str, Entry]]:
        return [self.l1, instance.l2]


class NotRefreshed(LittleReads):
    """An invalidated key waits for its next reader; nobody refreshes it in the background."""

    kills = "P06"

    def after_invalidation(self, instance: Instance, name: str) -> None:
        """Leave it."""


class FailuresCached(LittleReads):
    """After a failed call nobody asks again for a while."""

    kills = "P06"

    def lead(self, instance: Instance, name: str, flight: Flight, token: object) -> Task:
        yield from super().lead(instance, name, flight, token)
        if flight.entry is None:
            self.leases[name] = (token, self.now + REMEMBERED_MS)


class StaleAsLongAsKnown(LittleReads):
    """Nobody ever waits where anything is known, be it as old as it may."""

    kills = "P06"

    def good_enough(self, entry: Entry | None) -> bool:
        return entry is not None


class NeverEarly(LittleReads):
    """A key is refreshed when it has expired."""

    kills = "P06"

    def is_due_early(self, entry: Entry) -> bool:
        del entry
        return False


class EarlyReadersWait(LittleReads):
    """Whoever comes while a key is refreshed early waits for it, though it is fresh."""

    kills = "P06"

    def read(self, instance: Instance, name: str, parts: dict[str, Part]) -> Task:
        entry, tiers = yield from self.look(instance, name)
        if flight := instance.flights.get(name) if self.is_fresh(entry) else None:
            yield (lambda: flight.over), self.now + self.deadline
            parts[name] = Part(flight.entry or entry, "", tiers)
            return
        yield from super().read(instance, name, parts)


class StampedeOnFailure(LittleReads):
    """When a leader's call has failed, all who waited ask at once."""

    kills = "P06"

    def follow(self, instance: Instance, name: str, flight: Flight) -> Task:
        yield from super().follow(instance, name, flight)
        if not flight.over:
            flight.over = True

    def read(self, instance: Instance, name: str, parts: dict[str, Part]) -> Task:
        yield from super().read(instance, name, parts)
        if parts[name].entry is None and parts[name].warning == "unavailable":
            self.call(instance.number, name)


class LockedForEverByFailure(LittleReads):
    """A flight that failed is never cleared away."""

    kills = "P06"

    def fly(self, instance: Instance, name: str, flight: Flight) -> Task:
        yield from super().fly(instance, name, flight)
        if flight.entry is None:
            instance.flights[name] = flight


class LoserReleases(LittleReads):
    """Whoever is done gives the lease back, whose ever it is."""

    kills = "P06"

    def read(self, instance: Instance, name: str, parts: dict[str, Part]) -> Task:
        yield from super().read(instance, name, parts)
        if parts[name].warning:
            self.leases.pop(name, None)


class ReleasedTooEarly(LittleReads):
    """The lease is given back as soon as the call has been sent."""

    kills = "P06"

    def take_lease(self, name: str, token: object) -> bool:
        got = super().take_lease(name, token)
        if got:
            self.leases[name] = (token, self.now + 100)
        return got


class EarlyWithoutLease(LittleReads):
    """An early refresh asks for no lease."""

    kills = "P06"

    def is_due_early(self, entry: Entry) -> bool:
        self.early = super().is_due_early(entry)
        return self.early

    early = False

    def take_lease(self, name: str, token: object) -> bool:
        known = self.l1.get(name)
        if known and self.is_fresh(known):
            self.leases[name] = (token, self.now + self.lease)
            return True
        return super().take_lease(name, token)


class InvalidationDeletes(LittleReads):
    """An invalidated entry is deleted everywhere."""

    kills = "P06"

    def invalidate(self, instance: Instance, name: str) -> Task:
        yield from super().invalidate(instance, name)
        for entries in self.holders(instance):
            entries.pop(name, None)


class InvalidatedIsRevived(LittleReads):
    """The mark of an invalidation is lost when the refresh fails."""

    kills = "P06"

    def lead(self, instance: Instance, name: str, flight: Flight, token: object) -> Task:
        yield from super().lead(instance, name, flight, token)
        if flight.entry is None:
            for entries in self.holders(instance):
                if name in entries:
                    entries[name] = replace(entries[name], invalid=False)


class StaleALittleTooLong(LittleReads):
    """What expired less than two TTLs ago is shown at once."""

    kills = "P06"

    def good_enough(self, entry: Entry | None) -> bool:
        return entry is not None and self.now < self.expires(entry) + 2 * self.ttl


class StaleUnmarked(LittleReads):
    """Who does not lead is shown the old entry without a word."""

    kills = "P06"

    def reply(self, asked: Asked, parts: Mapping[str, Part]) -> None:
        super().reply(asked, {name: self.unmarked(part) for name, part in parts.items()})

    def unmarked(self, part: Part) -> Part:
        return replace(part, warning="") if self.good_enough(part.entry) else part


class TwiceOnInvalidation(LittleReads):
    """Each instance that hears of an invalidation refreshes by itself."""

    kills = "P06"

    def after_invalidation(self, instance: Instance, name: str) -> None:
        del instance
        for each in self.instances:
            self.leases.pop(name, None)
            self.refresh(each, name)


MUTANTS: list[Any] = [
    NoSingleFlight,
    PerInstanceOnly,
    OneAfterTheOther,
    LeaseForEver,
    LateWriteAccepted,
    LosersWait,
    InvalidationBlocks,
    InvalidationForgotten,
    NotRefreshed,
    FailuresCached,
    StaleAsLongAsKnown,
    NeverEarly,
    EarlyReadersWait,
    StampedeOnFailure,
    LockedForEverByFailure,
    LoserReleases,
    ReleasedTooEarly,
    EarlyWithoutLease,
    InvalidationDeletes,
    InvalidatedIsRevived,
    StaleALittleTooLong,
    StaleUnmarked,
    TwiceOnInvalidation,
]
