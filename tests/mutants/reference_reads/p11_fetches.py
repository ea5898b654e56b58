"""Mistakes about when a fetch's calls begin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reference_gateway.conformance.reads import Reads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.conformance.instances import Instance
    from reference_gateway.core.cache.shown import Shown


class _Batches(Reads):
    """Begins the next calls when those before were answered."""

    def at_once(self, count: int) -> int:
        raise NotImplementedError

    async def find(
        self, instance: Instance, names: Sequence[str], until_ms: int, ttl_ms: int | None = None
    ) -> list[Shown]:
        found: list[Shown] = []
        size = self.at_once(len(names))
        for first in range(0, len(names), size):
            found += await super().find(instance, names[first : first + size], until_ms, ttl_ms)
        return found


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


MUTANTS: list[Any] = [OneAfterTheOther, HalfAtATime]
