"""Mistakes about when a fetch's calls begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.engine.little_reads import Instance, LittleReads, Part

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


MUTANTS = [OneAfterTheOther, HalfAtATime, OneMoreRound]
