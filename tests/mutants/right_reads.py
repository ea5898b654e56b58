"""Right gateways that read otherwise than the little one: what the contract leaves open, no chapter may convict.

`lives` names the chapters that meet what each does otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

from tests.engine.little_parts import Entry, Flight, Instance, Part
from tests.engine.little_reads import LittleReads
from tests.engine.virtual_tasks import until
from tests.mutants.right_words import SaysLittle, SaysMuch, SaysWhyItIsStale

if TYPE_CHECKING:
    from gatespec.read_ports import Asked
    from tests.engine.virtual_tasks import Task

HEARD_AFTER_MS = (200, 900)
"""When an instance that was not asked hears of an invalidation, by its number."""
OFTEN_MS, SELDOM_MS = 50, 3_000
"""Between probes of a Redis that is away."""
POLL_MS = 250


class CountsFromTheCall(LittleReads):
    """An entry ages from the moment its call began, not from its answer."""

    lives = ("P01", "P02", "P06", "P10", "P11", "P20")

    def dated(self, began_ms: int) -> int:
        return began_ms


class RefreshesEarlyForCertain(LittleReads):
    """In the last fifth of the TTL each read finds it due, whatever the dice."""

    lives = ("P06",)

    def is_due_early(self, entry: Entry) -> bool:
        return self.beta > 0 and self.now >= self.expires(entry) - self.ttl // 5


class WaitsForItsOwnRefresh(LittleReads):
    """Whoever draws an early refresh waits for it, as the paper has it; the others do not."""

    lives = ("P06",)

    def read(self, instance: Instance, name: str, parts: dict[str, Part]) -> Task:
        mine = dict[str, Part]()
        flying = instance.flights.get(name)
        yield from super().read(instance, name, mine)
        flight = instance.flights.get(name)
        if flight and flight is not flying and mine[name].warning == "":
            yield (lambda: flight.over or flight.leads is False), inf
            mine[name] = replace(mine[name], entry=flight.entry or mine[name].entry)
        parts[name] = mine[name]


class _GivesUp(LittleReads):
    """Stops waiting a little before the deadline, so that there is time to answer."""

    percent: int

    def gather(self, instance: Instance, names: list[str], parts: dict[str, Part], last_ms: int) -> Task:
        early_ms = self.deadline * (100 - self.percent) // 100
        return super().gather(instance, names, parts, last_ms - early_ms)


class GivesUpAt75(_GivesUp):
    """At the first moment at which it may."""

    lives = ("P10", "P11", "P20")

    percent = 75


class GivesUpAt90(_GivesUp):
    """With a tenth to spare."""

    lives = ("P10", "P20")

    percent = 90


class GivesUpAt99(_GivesUp):
    """In the last moment."""

    lives = ("P10", "P20")

    percent = 99


class HearsLate(LittleReads):
    """The other instances hear of an invalidation by a message, which takes its time."""

    lives = ("P06",)

    def holders(self, instance: Instance) -> list[dict[str, Entry]]:
        return [self.l1, instance.l2]

    def invalidate(self, instance: Instance, name: str) -> Task:
        before = self.now
        for other in self.instances:
            if other is not instance:
                self.tasks.start(other, self.hear(other, name, HEARD_AFTER_MS[other.number % 2], before))
        yield from super().invalidate(instance, name)

    def hear(self, other: Instance, name: str, after_ms: int, before_ms: int) -> Task:
        yield until(self.now + after_ms)
        if (entry := other.l2.get(name)) and entry.fetched_ms <= before_ms:
            other.l2[name] = replace(entry, invalid=True)


class RefreshesLate(LittleReads):
    """The refresh after an invalidation begins a while later, unless a reader comes first."""

    lives = ("P06",)

    def after_invalidation(self, instance: Instance, name: str) -> None:
        self.tasks.start(instance, self.later(instance, name))

    def later(self, instance: Instance, name: str) -> Task:
        yield until(self.now + 800)
        entry = self.l1.get(name)
        if entry is None or entry.invalid:
            self.refresh(instance, name)


class AsksAgainAfterAnInvalidation(LittleReads):
    """What a call brings home that was under way at an invalidation is not trusted: another follows."""

    lives = ("P06",)

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the judge's own
        super().__init__(**given)
        self.invalidated: dict[str, int] = {}

    def invalidate(self, instance: Instance, name: str) -> Task:
        self.invalidated[name] = self.now
        yield from super().invalidate(instance, name)

    def lead(self, instance: Instance, name: str, flight: Flight, token: object) -> Task:
        while True:
            began = self.now
            yield from super().lead(instance, name, flight, token)
            if flight.entry is None or self.invalidated.get(name, -1) < began:
                return
            for entries in self.holders(instance):
                if name in entries and entries[name].fetched_ms <= self.now:
                    entries[name] = replace(entries[name], invalid=True)
            flight.entry = replace(flight.entry, invalid=True)
            if not self.take_lease(name, token):
                return


class _Probes(LittleReads):
    """Looks for Redis at its own pace."""

    every_ms: int

    def probe(self, instance: Instance) -> Task:
        while instance.away:
            yield until(self.now + self.every_ms)
            instance.away = self.state != "well"


class ProbesOften(_Probes):
    """Twenty times a second."""

    lives = ("P01",)

    every_ms = OFTEN_MS


class ProbesSeldom(_Probes):
    """Each three seconds."""

    lives = ("P01",)

    every_ms = SELDOM_MS


class ForgetsWhenFoundBack(LittleReads):
    """What L2 holds is dropped when Redis is found back: invalidations may have been missed meanwhile."""

    lives = ("P01",)

    def probe(self, instance: Instance) -> Task:
        yield from super().probe(instance)
        instance.l2.clear()


class RenewsItsLease(LittleReads):
    """A leader that works takes its lease anew before it ends."""

    lives = ("P06",)

    def lead(self, instance: Instance, name: str, flight: Flight, token: object) -> Task:
        self.tasks.start(instance, self.renew(name, flight, token))
        yield from super().lead(instance, name, flight, token)

    def renew(self, name: str, flight: Flight, token: object) -> Task:
        while not flight.over:
            yield (lambda: flight.over), self.now + self.lease // 3
            held = self.leases.get(name, (None, 0))
            if held[0] is token and self.now < held[1] and self.state == "well":
                self.leases[name] = (token, self.now + self.lease)


class FollowersPoll(LittleReads):
    """Those who wait for another instance's call look for its entry now and then."""

    lives = ("P06", "P20")

    every_ms = POLL_MS

    def follow(self, instance: Instance, name: str, flight: Flight) -> Task:
        known, token = self.l1.get(name), self.leases[name][0]
        while self.state == "well":
            yield until(self.now + self.every_ms)
            held = self.leases.get(name, (None, 0))
            if self.l1.get(name) is not known or held[0] is not token or self.now >= held[1]:
                break
        if (entry := self.l1.get(name)) is not known and entry is not None:
            self.fill(instance, name, entry)
            flight.entry, flight.over = entry, True


class FollowersPollFast(FollowersPoll):
    """A hundred times a second."""

    every_ms = 10


class FailuresAreShared(LittleReads):
    """Whoever waited for a call that failed fails with it, on the other instances as well."""

    lives = ("P06", "P10", "P20")

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the judge's own
        super().__init__(**given)
        self.failed: dict[object, bool] = {}

    def lead(self, instance: Instance, name: str, flight: Flight, token: object) -> Task:
        yield from super().lead(instance, name, flight, token)
        if flight.entry is None:
            self.failed[token] = flight.timed_out

    def follow(self, instance: Instance, name: str, flight: Flight) -> Task:
        token = self.leases[name][0]
        yield from super().follow(instance, name, flight)
        if not flight.over and token in self.failed:
            flight.timed_out, flight.over = self.failed[token], True


class TriesAgainForEachWhoWaited(LittleReads):
    """After a failure the next who waited asks himself, one after the other."""

    lives = ("P06", "P10")

    def read(self, instance: Instance, name: str, parts: dict[str, Part]) -> Task:
        mine = dict[str, Part]()
        flight = instance.flights.get(name)
        yield from super().read(instance, name, mine)
        if flight and flight.over and not flight.entry and not flight.timed_out and not mine[name].entry:
            yield from super().read(instance, name, mine)
        parts[name] = mine[name]


class CatalogueOfItsOwn(LittleReads):
    """The catalogue is an entry of its own with a shorter life than it may have."""

    lives = ("P02",)

    life_ms = 100_000

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the judge's own
        super().__init__(**given)
        self.kept: tuple[int, Any] | None = None

    def catalogue(self, instance: Instance, asked: Asked) -> Task:
        if self.kept and self.now < self.kept[0]:
            left = (self.kept[0] - self.now) // 1000
            self.say(asked, 200, self.kept[1], cache_status=f"l2; hit; ttl={left}")
            return
        yield from super().catalogue(instance, asked)

    def say(self, asked: Asked, status: int, body: Any, **fields: str) -> None:  # noqa: ANN401 - JSON
        super().say(asked, status, body, **fields)
        if asked.path.endswith("/catalog") and not body["warnings"] and fields["cache_status"].endswith("miss"):
            oldest = min((entry.fetched_ms for entry in self.l1.values()), default=self.now)
            self.kept = min(self.now + self.life_ms, oldest + self.static), body


class CatalogueAlwaysAnew(LittleReads):
    """Whatever list is not fresh is read anew for the catalogue."""

    lives = ("P02",)

    def is_young(self, entry: Entry) -> bool:
        return self.is_fresh(entry)

    def calls_stale(self, entry: Entry) -> bool:
        return not super().is_young(entry)


class RefillsRedis(LittleReads):
    """When Redis is found back what this process fetched meanwhile is written there."""

    lives = ("P01",)

    def probe(self, instance: Instance) -> Task:
        yield from super().probe(instance)
        for name, entry in instance.l2.items():
            known = self.l1.get(name)
            if known is None or known.fetched_ms < entry.fetched_ms:
                self.l1[name] = entry


RIGHT: list[Any] = [
    CountsFromTheCall,
    RefreshesEarlyForCertain,
    WaitsForItsOwnRefresh,
    GivesUpAt75,
    GivesUpAt90,
    GivesUpAt99,
    SaysLittle,
    SaysMuch,
    SaysWhyItIsStale,
    HearsLate,
    RefreshesLate,
    AsksAgainAfterAnInvalidation,
    ProbesOften,
    ProbesSeldom,
    ForgetsWhenFoundBack,
    RenewsItsLease,
    FollowersPoll,
    FollowersPollFast,
    FailuresAreShared,
    TriesAgainForEachWhoWaited,
    CatalogueOfItsOwn,
    CatalogueAlwaysAnew,
    RefillsRedis,
]
