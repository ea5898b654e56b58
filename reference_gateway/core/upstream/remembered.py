"""What one instance knows of a provider: what it was last told of what all share, and what it saw alone since."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reference_gateway.core.upstream.ports import Admission
from reference_gateway.core.upstream.shared import SharedUpstream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.upstream.ports import Attempted, Outcome, Refused, Rules, State

OF_NO_PERIOD = -1


def as_theirs(admission: Admission) -> Admission:
    """Say to all what they know of an admission: where one instance gave it in a period of its own, of no period."""
    return replace(admission, period=OF_NO_PERIOD) if admission.token else admission


@dataclass(frozen=True, slots=True)
class Remembered:
    """Times are of the instance's own clock.

    While the breaker is in the period that was last told, it is the same period for all: what was admitted there counts
    wherever its end is told. What only this instance can know has a token: admissions of the periods that it makes
    alone, so that none counts in another period of the same number; and the trials that it gives alone, so that
    nobody's trial of the same number ends with them.
    """

    shared: SharedUpstream = field(default_factory=SharedUpstream)
    told_ms: int = 0
    """When that was told, by the clock of whoever told it; 0: never."""
    period: int = 0
    """The breaker's, as it was told."""

    @classmethod
    def told(cls, shared: SharedUpstream, told_ms: int, now_ms: int) -> Remembered:
        """Take over what all share, from a clock that said `told_ms` just now."""
        return cls(shared.shifted(now_ms - told_ms), told_ms, shared.breaker.period)

    @property
    def _name(self) -> str:
        return f"alone since {self.told_ms}"

    def admit(self, provider: str, rules: Rules, now_ms: int) -> tuple[Remembered, Admission | Refused]:
        """As `SharedUpstream`."""
        shared, answer = self.shared.admit(provider, rules, now_ms)
        if isinstance(answer, Admission) and (answer.trial or answer.period != self.period):
            answer = replace(answer, token=self._name)
        return replace(self, shared=shared), answer

    def still_closed(self, admission: Admission, rules: Rules, now_ms: int) -> bool:
        """As `SharedUpstream`."""
        return self.shared.still_closed(self._as_ours(admission), rules, now_ms)

    def finish(  # noqa: PLR0913 - as `SharedUpstream`
        self,
        admission: Admission,
        outcome: Outcome,
        attempts: Sequence[Attempted],
        rules: Rules,
        now_ms: int,
        *,
        retry_after_ms: int = 0,
    ) -> tuple[Remembered, State]:
        """As `SharedUpstream`."""
        ours = self._as_ours(admission)
        shared, state = self.shared.finish(ours, outcome, attempts, rules, now_ms, retry_after_ms=retry_after_ms)
        return replace(self, shared=shared), state

    def probed(self, endpoint: int, rules: Rules, now_ms: int, *, well: bool) -> Remembered:
        """As `SharedUpstream`."""
        return replace(self, shared=self.shared.probed(endpoint, rules, now_ms, well=well))

    def open_for_ms(self, rules: Rules, now_ms: int) -> int | None:
        """Say for how long the breaker has been open, if it must stay so."""
        breaker = self.shared.breaker.settled(rules, now_ms)
        open_for_ms = now_ms - breaker.opened_ms
        return open_for_ms if breaker.state == "open" and open_for_ms < rules.open_ms else None

    def _as_ours(self, admission: Admission) -> Admission:
        is_ours = admission.token == self._name if admission.token else admission.period == self.period
        return admission if is_ours else replace(admission, period=OF_NO_PERIOD)
