"""Mistakes about when a fetch's calls begin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.engine.little_parts import Instance, Part
from tests.engine.little_reads import LittleReads

if TYPE_CHECKING:
    from tests.engine.virtual_tasks import Task


class _Batches(LittleReads):
    """Begins the next calls when those before were answered."""

    def at_once(self, count: int) -> int:
        raise NotImplementedError

    def gather(self, instance: Instance, names: list[str], parts: dict[str, Part], last_ms: int) -> Task:
        size = self.at_once(len(names))
        for first in range(0, len(names), size):
            yield from super().gather(instance, names[first : first + size], parts, last_ms)


class OneAfterTheOther(_Batches):
    """Providers are asked in turn."""

    kills = "P11"

    def at_once(self, count: int) -> int:
        del count
        return 1


class HalfAtATime(_Batches):
    """A pool of workers is smaller than the number of providers."""

    kills = "P11"

    def at_once(self, count: int) -> int:
        return max(1, -(-count // 2))


class OneMoreRound(LittleReads):
    """All calls are made a second time before anything is answered, for good measure."""

    kills = "P11"

    def gather(self, instance: Instance, names: list[str], parts: dict[str, Part], last_ms: int) -> Task:
        yield from super().gather(instance, names, parts, last_ms)
        again = dict[str, Part]()
        for entries in (self.l1, instance.l2):
            entries.clear()
        yield from super().gather(instance, names, again, last_ms)
        parts.update(again)


class TheLastBeginsLate(LittleReads):
    """The last of several waits for the first answer."""

    kills = "P11"

    def gather(self, instance: Instance, names: list[str], parts: dict[str, Part], last_ms: int) -> Task:
        if len(names) < 3:
            yield from super().gather(instance, names, parts, last_ms)
            return
        for name in names[:-1]:
            self.tasks.start(instance, self.read(instance, name, parts))
        yield (lambda: bool(parts)), last_ms
        yield from super().gather(instance, names[-1:], parts, last_ms)
        yield (lambda: len(parts) == len(names)), last_ms


class TenAtATime(LittleReads):
    """A pool of ten workers, whatever the number of providers."""

    kills = "P11"

    def gather(self, instance: Instance, names: list[str], parts: dict[str, Part], last_ms: int) -> Task:
        for first in range(0, len(names), 10):
            yield from super().gather(instance, names[first : first + 10], parts, last_ms)


class UnknownFirst(LittleReads):
    """Providers that are known wait for those of which nothing is known."""

    kills = "P11"

    def gather(self, instance: Instance, names: list[str], parts: dict[str, Part], last_ms: int) -> Task:
        known = [name for name in names if name in self.l1]
        yield from super().gather(instance, [n for n in names if n not in known], parts, last_ms)
        for name in known:
            yield from super().gather(instance, [name], parts, last_ms)


MUTANTS: list[Any] = [
    OneAfterTheOther,
    HalfAtATime,
    OneMoreRound,
    TheLastBeginsLate,
    TenAtATime,
    UnknownFirst,
]
