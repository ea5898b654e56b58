"""Mistakes about when a breaker opens, and how it closes again: in what all instances share of a provider."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reference_gateway.adapters.redis.stepped_upstreams import MemoryUpstreams
from reference_gateway.conformance.upstreams import SteppedStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.upstream.breaker import Breaker
    from reference_gateway.core.upstream.ports import Admission, Attempted, Outcome, Refused, Rules, State

NEVER_MS = 10**12


class _OtherRules(MemoryUpstreams):
    """Goes by other numbers than it was given."""

    def rules(self, rules: Rules) -> Rules:
        raise NotImplementedError

    def admit(self, provider: str, rules: Rules, now_ms: int) -> Admission | Refused:
        return super().admit(provider, self.rules(rules), now_ms)

    def finish(  # noqa: PLR0913 - as the protocol
        self,
        admission: Admission,
        outcome: Outcome,
        attempts: Sequence[Attempted],
        rules: Rules,
        now_ms: int,
        *,
        retry_after_ms: int = 0,
    ) -> State:
        mine = self.rules(rules)
        return super().finish(admission, outcome, attempts, mine, now_ms, retry_after_ms=retry_after_ms)


class OpensAboveTheRate(_OtherRules):
    """Half of the last calls is not enough: more have to fail."""

    kills = "P04"

    def rules(self, rules: Rules) -> Rules:
        return replace(rules, failure_rate=rules.failure_rate + 0.01)


class OpensTooSoon(_OtherRules):
    """Five calls are thought to be enough to tell."""

    kills = "P04"

    def rules(self, rules: Rules) -> Rules:
        return replace(rules, window=rules.window // 2)


class NeverHalfOpens(_OtherRules):
    """Once open it stays so."""

    kills = "P04"

    def rules(self, rules: Rules) -> Rules:
        return replace(rules, open_ms=NEVER_MS)


class HalfOpensTooSoon(_OtherRules):
    """It is tried again when a part of the open time has passed."""

    kills = "P04"

    def rules(self, rules: Rules) -> Rules:
        return replace(rules, open_ms=rules.open_ms * 4 // 5)


class ClosesAfterOneSuccess(_OtherRules):
    """The first trial that succeeds closes it."""

    kills = "P04"

    def rules(self, rules: Rules) -> Rules:
        return replace(rules, trials=1)


class LostTrialBlocks(_OtherRules):
    """A trial of which nobody hears takes its place for ever."""

    kills = "P04"

    def rules(self, rules: Rules) -> Rules:
        return replace(rules, trial_ms=NEVER_MS)


class _OtherEnds(MemoryUpstreams):
    """Counts the end of a call otherwise."""

    def outcome(self, outcome: Outcome, breaker: Breaker) -> Outcome:
        del breaker
        return outcome

    def admission(self, admission: Admission, breaker: Breaker) -> Admission:
        del breaker
        return admission

    def after(self, before: Breaker, breaker: Breaker) -> Breaker:
        del before
        return breaker

    def finish(  # noqa: PLR0913 - as the protocol
        self,
        admission: Admission,
        outcome: Outcome,
        attempts: Sequence[Attempted],
        rules: Rules,
        now_ms: int,
        *,
        retry_after_ms: int = 0,
    ) -> State:
        name = admission.provider
        before = self._providers[name].breaker.settled(rules, now_ms)
        told, how = self.admission(admission, before), self.outcome(outcome, before)
        super().finish(told, how, attempts, rules, now_ms, retry_after_ms=retry_after_ms)
        breaker = self.after(before, self._providers[name].breaker)
        self._providers[name] = replace(self._providers[name], breaker=breaker)
        return breaker.state


class FailedTrialForgiven(_OtherEnds):
    """A trial that failed leaves it half-open, and the next one is made."""

    kills = "P04"

    def after(self, before: Breaker, breaker: Breaker) -> Breaker:
        if before.state != "half-open" or breaker.state != "open":
            return breaker
        return replace(before, trials=before.trials[:-1] or (None,))


class TimerNotRestarted(_OtherEnds):
    """When a trial fails a part of the open time is taken for over."""

    kills = "P04"

    def after(self, before: Breaker, breaker: Breaker) -> Breaker:
        reopened = before.state == "half-open" and breaker.state == "open"
        return replace(breaker, opened_ms=breaker.opened_ms - 20_000) if reopened else breaker


class LateResultsCount(_OtherEnds):
    """A result counts in whatever period it comes."""

    kills = "P04"

    def admission(self, admission: Admission, breaker: Breaker) -> Admission:
        return replace(admission, period=breaker.period)


class WindowKept(_OtherEnds):
    """It closes with failures that it had counted before it opened."""

    kills = "P04"

    def after(self, before: Breaker, breaker: Breaker) -> Breaker:
        reborn = before.state == "half-open" and breaker.state == "closed"
        return replace(breaker, results=(True,) * 5 + (False,) * 4) if reborn else breaker


class UnauthorizedCounts(_OtherEnds):
    """A credential that is refused counts as a failure of the provider."""

    kills = "P04"

    def outcome(self, outcome: Outcome, breaker: Breaker) -> Outcome:
        return "failure" if outcome == "uncounted" and breaker.state == "closed" else outcome


class UncountedTrialSucceeds(_OtherEnds):
    """A trial that was answered at all is a success."""

    kills = "P04"

    def outcome(self, outcome: Outcome, breaker: Breaker) -> Outcome:
        return "success" if outcome == "uncounted" and breaker.state == "half-open" else outcome


class PerInstance(SteppedStore):
    """Each process has a breaker of its own."""

    kills = "P04"

    async def reaches(self) -> bool:
        return False


MUTANTS: list[Any] = [
    OpensAboveTheRate,
    OpensTooSoon,
    NeverHalfOpens,
    HalfOpensTooSoon,
    ClosesAfterOneSuccess,
    LostTrialBlocks,
    FailedTrialForgiven,
    TimerNotRestarted,
    LateResultsCount,
    WindowKept,
    UnauthorizedCounts,
    UncountedTrialSucceeds,
    PerInstance,
]
