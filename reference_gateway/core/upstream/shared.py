"""All that instances share of one provider, as one value: breaker, endpoints, pause and rate.

The same rules that `upstream.lua` follows on a Redis; here without one. Times are of the one clock that all go by.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reference_gateway.core.upstream.breaker import Breaker
from reference_gateway.core.upstream.endpoints import Endpoint
from reference_gateway.core.upstream.pace import Pace
from reference_gateway.core.upstream.ports import Admission, Upstream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.upstream.ports import Attempted, Outcome, Refused, Rules, State


@dataclass(frozen=True, slots=True)
class SharedUpstream:
    """One provider; its words are those of `UpstreamStore`."""

    breaker: Breaker = field(default_factory=Breaker)
    endpoints: tuple[Endpoint, ...] = ()
    """Those of which anything is known, in the order of the providers file."""
    pace: Pace = field(default_factory=Pace)

    def admit(self, provider: str, rules: Rules, now_ms: int) -> tuple[SharedUpstream, Admission | Refused]:
        """Admit one call, if one may begin now.

        A refusal takes nothing: neither a trial, nor a turn of the rate, nor does it make an open breaker half-open.
        """
        settled = self.settled(rules, now_ms)
        refusal = settled.breaker.refusal(rules, now_ms) or settled.pace.refusal(rules, now_ms)
        if refusal:
            return settled, refusal
        breaker, pace = settled.breaker.admitted(now_ms), settled.pace.admitted(rules, now_ms)
        admitted = replace(settled, breaker=breaker, pace=pace)
        known = admitted.look(rules, now_ms)
        return admitted, Admission(provider, breaker.period, len(breaker.trials), known)

    def still_closed(self, admission: Admission, rules: Rules, now_ms: int) -> bool:
        """Say whether the breaker is closed, in the period of this admission."""
        breaker = self.breaker.settled(rules, now_ms)
        return breaker.state == "closed" and breaker.period == admission.period

    def finish(  # noqa: PLR0913 - a call's end, by the provider's rules, at a moment
        self,
        admission: Admission,
        outcome: Outcome,
        attempts: Sequence[Attempted],
        rules: Rules,
        now_ms: int,
        *,
        retry_after_ms: int = 0,
    ) -> tuple[SharedUpstream, State]:
        """Count a call's end and its attempts, and hold all calls for `retry_after_ms`."""
        settled = self.breaker.settled(rules, now_ms)
        breaker = settled.finished(admission.period, admission.trial, outcome, rules, now_ms)
        endpoints = list(self._endpoints(rules))
        for each in attempts:
            endpoints[each.endpoint] = endpoints[each.endpoint].attempted(each.took_ms, now_ms, failed=each.failed)
        return SharedUpstream(breaker, tuple(endpoints), self.pace.held(retry_after_ms, now_ms)), breaker.state

    def probed(self, endpoint: int, rules: Rules, now_ms: int, *, well: bool) -> SharedUpstream:
        """Take an endpoint out by a failed probe, or back by one that succeeded."""
        settled = self.settled(rules, now_ms)
        endpoints = list(settled.endpoints)
        endpoints[endpoint] = endpoints[endpoint].probed(now_ms, well=well)
        return replace(settled, endpoints=tuple(endpoints))

    def look(self, rules: Rules, now_ms: int) -> Upstream:
        """Tell how the provider is."""
        breaker = self.breaker.settled(rules, now_ms)
        return Upstream(
            breaker.state,
            tuple(endpoint.state(rules, now_ms) for endpoint in self._endpoints(rules)),
            len(breaker.results),
            sum(breaker.results),
            max(0, self.pace.held_ms - now_ms),
        )

    def reminded(self, open_for_ms: int, now_ms: int) -> SharedUpstream:
        """Believe somebody that the breaker opened `open_for_ms` ago, where nothing of it is known."""
        if self.breaker.period:
            return self
        return replace(self, breaker=Breaker(max(1, now_ms), "open", opened_ms=now_ms - open_for_ms))

    def settled(self, rules: Rules, now_ms: int) -> SharedUpstream:
        """Make good what was due meanwhile."""
        return replace(self, breaker=self.breaker.settled(rules, now_ms), endpoints=self._endpoints(rules))

    def _endpoints(self, rules: Rules) -> tuple[Endpoint, ...]:
        return (*self.endpoints, *(Endpoint() for _ in range(rules.endpoints - len(self.endpoints))))[: rules.endpoints]

    def shifted(self, by_ms: int) -> SharedUpstream:
        """Say the same by a clock that is ahead by so much."""
        endpoints = tuple(endpoint.shifted(by_ms) for endpoint in self.endpoints)
        return SharedUpstream(self.breaker.shifted(by_ms), endpoints, self.pace.shifted(by_ms))
