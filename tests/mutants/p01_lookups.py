"""Mistakes about where a read looks, and what a Redis that is away does to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.engine.little_parts import Away, Entry, Instance, Part
from tests.engine.little_reads import LittleReads
from tests.engine.virtual_tasks import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatespec.read_ports import Asked
    from tests.engine.virtual_tasks import Task


class RedisBeforeL2(LittleReads):
    """Redis is asked first, and what this process knows is only the fallback."""

    kills = "P01"

    def look(self, instance: Instance, name: str) -> Task:
        try:
            yield from self.redis(instance, lambda: self.l1.get(name))
        except Away:
            pass
        else:
            if self.is_fresh(self.l1.get(name)):
                return self.l1[name], ("l1; hit",)
        return (yield from super().look(instance, name))


class RedisAskedInVain(LittleReads):
    """Redis is asked before L2, and its answer thrown away where L2 has one: only a Redis that hangs shows it."""

    kills = "P01"

    def look(self, instance: Instance, name: str) -> Task:
        if not instance.away and self.state == "hanging":
            yield from self.hang(instance)
        return (yield from super().look(instance, name))

    def hang(self, instance: Instance) -> Task:
        try:
            yield from self.redis(instance, dict)
        except Away:
            instance.away = False


class L2NotFilled(LittleReads):
    """What was found in L1 is not kept in L2."""

    kills = "P01"

    def look(self, instance: Instance, name: str) -> Task:
        kept = instance.l2.get(name)
        found = yield from super().look(instance, name)
        if kept is None:
            instance.l2.pop(name, None)
        else:
            instance.l2[name] = kept
        return found


class L1NotAsked(LittleReads):
    """What L2 has not is asked of the provider at once."""

    kills = "P01"

    def look(self, instance: Instance, name: str) -> Task:
        found, tiers = yield from super().look(instance, name)
        return (found, tiers) if tiers[0].startswith("l2; hit") else (None, ("l1; fwd=miss", "l2; fwd=miss; stored"))


class L1NotFilled(LittleReads):
    """What a provider said is kept in L2 alone."""

    kills = "P01"

    def write(self, name: str, entry: Entry, token: object) -> bool:
        self.leases.pop(name, None)
        del entry
        return token is not None


class FailsWithoutRedis(LittleReads):
    """A Redis that does not answer is an error of the request."""

    kills = "P01"

    def answer(self, instance: Instance, asked: Asked) -> Task:
        if self.state != "well":
            self.say(asked, 500, {})
            return
        yield from super().answer(instance, asked)


class HungEachTime(LittleReads):
    """Every request tries a Redis that hangs anew, and waits its budget for it."""

    kills = "P01"

    def lost(self, instance: Instance) -> None:
        if self.state != "hanging":
            super().lost(instance)


class NoBudget(LittleReads):
    """A Redis that hangs is waited for as long as a client's library does by itself."""

    kills = "P01"

    def redis(self, instance: Instance, does: Callable[[], Any]) -> Task:
        self.budget = 1_000
        return (yield from super().redis(instance, does))


class NeverFoundBack(LittleReads):
    """Once away, Redis is away until the process starts anew."""

    kills = "P01"

    def probe(self, instance: Instance) -> Task:
        del instance
        yield from ()


class FoundInL2ByName(LittleReads):
    """Cache-Status says that L2 answered, whoever did."""

    kills = "P01"

    def look(self, instance: Instance, name: str) -> Task:
        found, _ = yield from super().look(instance, name)
        return found, ("l2; hit",)


class BudgetForEachCommand(LittleReads):
    """Lookup, lease and write each wait a budget for a Redis that hangs."""

    kills = "P01"

    def redis(self, instance: Instance, does: Callable[[], Any]) -> Task:
        if self.state == "hanging" and not instance.away:
            yield until(self.now + self.budget)
        return (yield from super().redis(instance, does))


class FailsAfterTheReturn(LittleReads):
    """A connection that Redis cut is used once more when Redis is back, and its error ends the request."""

    kills = "P01"

    def probe(self, instance: Instance) -> Task:
        yield from super().probe(instance)
        self.broken = True

    broken = False

    def answer(self, instance: Instance, asked: Asked) -> Task:
        if self.broken and self.state == "well":
            self.broken = False
            self.say(asked, 500, {})
            return
        yield from super().answer(instance, asked)


class NotKeptWithoutRedis(LittleReads):
    """With Redis away nothing is kept in L2 either."""

    kills = "P01"

    def fill(self, instance: Instance, name: str, entry: Entry) -> None:
        if self.state == "well":
            super().fill(instance, name, entry)


class BudgetForEach(LittleReads):
    """A read of several providers waits for a Redis that hangs once for each of them."""

    kills = "P01"

    def gather(self, instance: Instance, names: list[str], parts: dict[str, Part], last_ms: int) -> Task:
        for place, name in enumerate(names):
            if place and self.state != "well":
                instance.away = False
            self.tasks.start(instance, self.read(instance, name, parts))
            yield (lambda: len(parts) > place), last_ms  # noqa: B023 - asked before the loop goes on


MUTANTS: list[Any] = [
    BudgetForEach,
    RedisBeforeL2,
    RedisAskedInVain,
    L2NotFilled,
    L1NotAsked,
    L1NotFilled,
    FailsWithoutRedis,
    HungEachTime,
    NoBudget,
    NeverFoundBack,
    FoundInL2ByName,
    BudgetForEachCommand,
    FailsAfterTheReturn,
    NotKeptWithoutRedis,
]
