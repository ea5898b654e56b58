"""Mistakes about how many calls may be in flight, and who may wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.engine.little_places import LittlePlaces
from tests.engine.virtual_tasks import until

if TYPE_CHECKING:
    from tests.engine.little_parts import Flight, Instance
    from tests.engine.virtual_tasks import Task


class LimitIgnored(LittlePlaces):
    """Everybody calls at once."""

    kills = "P30"

    def limit(self, provider: str) -> int:
        del provider
        return 10**9


class OneTooMany(LittlePlaces):
    """The comparison is off by one."""

    kills = "P30"

    def limit(self, provider: str) -> int:
        return super().limit(provider) + 1


class LeakedOnTimeout(LittlePlaces):
    """A call that timed out keeps its place."""

    kills = "P30"

    def give_back(self, instance: Instance, provider: str, flight: Flight) -> None:
        if not flight.timed_out:
            super().give_back(instance, provider, flight)


class LeakedOnFailure(LittlePlaces):
    """A call that failed keeps its place."""

    kills = "P30"

    def give_back(self, instance: Instance, provider: str, flight: Flight) -> None:
        if flight.entry or flight.timed_out:
            super().give_back(instance, provider, flight)


class QueueUnbounded(LittlePlaces):
    """Whoever finds no place waits for one."""

    kills = "P30"

    def take_place(self, instance: Instance, provider: str) -> Task:
        places = self.places[instance.number, provider]
        yield (lambda: places.taken < self.limit(provider)), self.now + self.deadline
        places.taken += 1
        return True


class WaitersForgotten(LittlePlaces):
    """Nobody tells those who wait that a place is free."""

    kills = "P30"

    def take_place(self, instance: Instance, provider: str) -> Task:
        if self.places[instance.number, provider].taken >= self.limit(provider):
            yield until(self.now + self.deadline)
            return False
        return (yield from super().take_place(instance, provider))


class NobodyMayWait(LittlePlaces):
    """Whoever finds no place is refused."""

    kills = "P30"

    def take_place(self, instance: Instance, provider: str) -> Task:
        if self.places[instance.number, provider].taken >= self.limit(provider):
            return False
        return (yield from super().take_place(instance, provider))


MUTANTS: list[Any] = [
    LimitIgnored,
    OneTooMany,
    LeakedOnTimeout,
    LeakedOnFailure,
    QueueUnbounded,
    WaitersForgotten,
    NobodyMayWait,
]
