"""Mistakes about what a provider is spared while its breaker is open, and what is shown meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reference_gateway.adapters.redis.stepped_upstreams import MemoryUpstreams
from reference_gateway.conformance.reads import Reads
from reference_gateway.core.cache.tiers import MultiTierCache
from reference_gateway.core.upstream.ports import Admission, Refused
from reference_gateway.core.upstream.probes import Probes
from tests.mutants.reference_reads.p04_breakers import LostTrialBlocks as _LostTrialBlocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.cache.shown import Shown
    from reference_gateway.core.cache.tiers import Pending
    from reference_gateway.core.pages import Moment
    from reference_gateway.core.upstream.ports import Rules

PERIOD_NONE = -1


class OneSlipsThrough(MemoryUpstreams):
    """The first call after it opened is still made."""

    kills = "P05"

    def __init__(self) -> None:
        super().__init__()
        self._slipped: set[tuple[str, int]] = set()

    def admit(self, provider: str, rules: Rules, now_ms: int) -> Admission | Refused:
        answer, period = super().admit(provider, rules, now_ms), self._providers[provider].breaker.period
        if isinstance(answer, Refused) and answer.why == "open" and (provider, period) not in self._slipped:
            self._slipped.add((provider, period))
            return Admission(provider, PERIOD_NONE, 0, self.look(provider, rules, now_ms))
        return answer


class LostTrialBlocks(_LostTrialBlocks):
    """A trial that brought nothing countable keeps its place, and no other is made."""

    kills = "P05"

    def finish(self, admission: Admission, outcome: Any, *rest: Any, **more: Any) -> Any:  # noqa: ANN401 - as the protocol
        tried = self._providers[admission.provider].breaker.state == "half-open" and outcome == "uncounted"
        return "half-open" if tried else super().finish(admission, outcome, *rest, **more)


class ProbesIgnoreIt(Probes):
    """Probes are sent whatever the breaker says."""

    kills = "P05"

    async def may_probe(self, provider: str) -> bool:
        del provider
        return True


class KnownOffersHidden(MultiTierCache):
    """Whoever is not called is not shown."""

    kills = "P05"

    def _last_known(self, pending: Pending) -> Shown:
        shown = super()._last_known(pending)
        if self._failure(pending.flight).code != "breaker-open":
            return shown
        return replace(shown, entry=None, state="missing", code="breaker-open")


class NoBreakerOpen(Reads):
    """That the breaker is open is not told: the provider is called unavailable."""

    kills = "P05"

    def moment(self, shown: Sequence[Shown]) -> Moment:
        return super().moment([replace(e, code="unavailable") if e.code == "breaker-open" else e for e in shown])


MUTANTS: list[Any] = [OneSlipsThrough, LostTrialBlocks, ProbesIgnoreIt, KnownOffersHidden, NoBreakerOpen]
