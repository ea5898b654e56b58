"""Mistakes about how long is waited, and what is answered then."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reference_gateway.conformance.reads import Reads
from reference_gateway.core.cache.reading import PROVIDERS_RETRY_S
from reference_gateway.core.cache.tiers import MultiTierCache, Pending
from reference_gateway.core.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.conformance.instances import Instance
    from reference_gateway.core.cache.shown import Shown

IMPATIENT_MS = 100


class NoDeadline(Reads):
    """A request waits as long as its slowest call takes to answer or to time out."""

    kills = "P20"

    def deadline_ms(self) -> int:
        return super().deadline_ms() + 10 * self.times.deadline_ms


class DeadlinePerProvider(Reads):
    """Each provider that is late is given a deadline of its own."""

    kills = "P20"

    async def find(
        self, instance: Instance, names: Sequence[str], until_ms: int, ttl_ms: int | None = None
    ) -> list[Shown]:
        found: list[Shown] = []
        for place, name in enumerate(names):
            found += await super().find(instance, [name], until_ms + place * self.times.deadline_ms, ttl_ms)
        return found


class WaitsForTheSlowest(MultiTierCache):
    """The deadline is for whoever has something else to show; the others are waited for."""

    kills = "P20"

    async def wait(self, pending: Pending, until_ms: int) -> Shown:
        if self._held(pending) is None:
            await pending.flight.landed.passed(10 * self._left_ms(until_ms))
        return await super().wait(pending, until_ms)


class PartialAnswersThrownAway(Reads):
    """One provider that is late makes the whole answer a time-out."""

    kills = "P20"

    async def find(
        self, instance: Instance, names: Sequence[str], until_ms: int, ttl_ms: int | None = None
    ) -> list[Shown]:
        found = await super().find(instance, names, until_ms, ttl_ms)
        if any(each.code == "timeout" for each in found):
            return [replace(each, entry=None, code="timeout", timed_out=True) for each in found]
        return found


class LastKnownForgotten(MultiTierCache):
    """A provider that is late is left out, though its last offers are known."""

    kills = "P20"

    def _last_known(self, pending: Pending) -> Shown:
        shown = super()._last_known(pending)
        return replace(shown, entry=None, state="missing", code="timeout") if shown.timed_out else shown


class NeverATimeOut(Reads):
    """503 is said for whatever went wrong, also where a provider was still pending."""

    kills = "P20"

    def nothing_known(self, shown: Sequence[Shown]) -> Problem | None:
        problem = super().nothing_known(shown)
        return problem and Problem("providers-unavailable", problem.detail, retry_after_s=PROVIDERS_RETRY_S)


class ImpatientWithTheSlow(Reads):
    """Whoever does not answer at once is left out at once."""

    kills = "P20"

    def deadline_ms(self) -> int:
        return super().deadline_ms() - self.times.deadline_ms + IMPATIENT_MS


MUTANTS: list[Any] = [
    NoDeadline,
    DeadlinePerProvider,
    WaitsForTheSlowest,
    PartialAnswersThrownAway,
    LastKnownForgotten,
    NeverATimeOut,
    ImpatientWithTheSlow,
]
