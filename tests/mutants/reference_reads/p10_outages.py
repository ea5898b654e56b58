"""Mistakes about what is said when every provider fails."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reference_gateway.conformance.reads import Reads
from reference_gateway.core.cache.l2 import L2InMemoryCache
from reference_gateway.core.cache.tiers import MultiTierCache
from reference_gateway.core.problems import Problem
from tests.mutants.reference_reads.assembly import FOR_EVER_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.cache.refreshes import Outside
    from reference_gateway.core.cache.shown import Shown
    from reference_gateway.core.cache.tiers import Pending
    from reference_gateway.core.pages import Moment


class ServerError(Reads):
    """What the providers' failures raised ends the request."""

    kills = "P10"

    def nothing_known(self, shown: Sequence[Shown]) -> Problem | None:
        failed = any(each.code for each in shown)
        return Problem("internal", "a provider failed") if failed else super().nothing_known(shown)


class StaleShownAsFresh(MultiTierCache):
    """The last known offers stand in for fresh ones without a word."""

    kills = "P10"

    def _last_known(self, pending: Pending) -> Shown:
        shown = super()._last_known(pending)
        return shown if shown.entry is None else replace(shown, state="fresh", code=None)


class NoWarning(Reads):
    """Whoever is left out is left out silently."""

    kills = "P10"

    def moment(self, shown: Sequence[Shown]) -> Moment:
        return super().moment([each for each in shown if each.entry is not None])


class EmptyList(Reads):
    """That nothing is known is told as a list of nothing."""

    kills = "P10"

    def nothing_known(self, shown: Sequence[Shown]) -> Problem | None:
        """Nothing is ever wrong with nothing."""


class ForEver(Reads):
    """What was known once is shown whatever its age."""

    kills = "P10"

    def open_cache(self, outside: Outside) -> MultiTierCache:
        lifetimes = replace(self.times.lifetimes, stale_ms=FOR_EVER_MS)
        return MultiTierCache(L2InMemoryCache(FOR_EVER_MS), outside, lifetimes, self.times.lease_ms)


class AlwaysYoung(Reads):
    """The age beside a stale offer is that of the answer."""

    kills = "P10"

    def moment(self, shown: Sequence[Shown]) -> Moment:
        now_ms = self.turns.clock.now_ms()
        entries = [each.entry and replace(each.entry, as_of_ms=now_ms) for each in shown]
        return super().moment([replace(each, entry=entry) for each, entry in zip(shown, entries, strict=True)])


class NoRetryAfter(Reads):
    """A 503 does not say when to come back."""

    kills = "P10"

    def nothing_known(self, shown: Sequence[Shown]) -> Problem | None:
        problem = super().nothing_known(shown)
        return problem and replace(problem, retry_after_s=None)


MUTANTS: list[Any] = [ServerError, StaleShownAsFresh, NoWarning, EmptyList, ForEver, AlwaysYoung, NoRetryAfter]
