"""Mistakes about who asks the provider, and who waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.engine.little_reads import Entry, Flight, Instance, LittleReads, Part

if TYPE_CHECKING:
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
]
